use std::fs;
use std::os::unix::fs::symlink;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::*;

/// A new directory, which is removed at the end.
struct NewDirectory(PathBuf);

impl NewDirectory {
    fn new(name: &str) -> NewDirectory {
        let path = std::env::temp_dir().join(format!("tapstack-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("served/empty")).unwrap();
        NewDirectory(path)
    }

    /// Returns the path of a file below the directory.
    fn join(&self, path: &str) -> PathBuf {
        self.0.join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn serve(&self) -> ServedDirectory {
        ServedDirectory::open(&self.join("served")).unwrap()
    }
}

impl Drop for NewDirectory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Returns the media type and the bytes of a file, or the kind of another result.
fn open(served: &mut ServedDirectory, target: &str) -> String {
    match served.open(&RequestPath::parse(target).unwrap()) {
        Ok(Found::Resource(mut resource)) => {
            let mut bytes = vec![0; usize::try_from(resource.length()).unwrap()];
            let length = resource.read(0, &mut bytes).unwrap();
            format!("{} {}", resource.media_type(), String::from_utf8_lossy(&bytes[..length]))
        }
        Ok(Found::Directory) => "directory".into(),
        Ok(Found::Listing(listing)) => {
            let names = listing.entries.iter().map(|entry| String::from_utf8_lossy(&entry.name).into_owned());
            format!("listing {:?} {}", names.collect::<Vec<_>>(), listing.has_more)
        }
        Err(error) => format!("{error:?}"),
    }
}

// proves: http-beneath
#[test]
fn only_regular_files_beneath_directory_are_served() {
    let new = NewDirectory::new("files");
    new.write("secret", "outside");
    new.write("served/a.html", "text");
    new.write("served/sub/b", "sub");
    new.write("served/site/index.html", "index");
    symlink("a.html", new.join("served/inner")).unwrap();
    symlink("../secret", new.join("served/outer")).unwrap();
    symlink("/etc", new.join("served/etc")).unwrap();
    symlink("/proc/self/fd", new.join("served/magic")).unwrap();
    symlink("loop", new.join("served/loop")).unwrap();
    mkfifo(&new.join("served/fifo"), Mode::S_IRWXU).unwrap();
    let mut served = new.serve();
    for (target, expected) in [
        ("/a.html", "text/html; charset=utf-8 text"),
        ("/a.html/", "NotFound"),
        ("/inner", "application/octet-stream text"),
        ("/sub", "directory"),
        ("/sub/", "listing [\"b\"] false"),
        ("/sub/b", "application/octet-stream sub"),
        ("/sub/b/c", "NotFound"),
        ("/empty/", "listing [] false"),
        ("/site/", "text/html; charset=utf-8 index"),
        ("/missing", "NotFound"),
        ("/outer", "Forbidden"),
        ("/etc/passwd", "Forbidden"),
        ("/magic/0", "Forbidden"),
        ("/loop", "Forbidden"),
        ("/fifo", "Forbidden"),
    ] {
        assert_eq!(open(&mut served, target), expected, "{target}");
    }
    assert_eq!(open(&mut served, &format!("/{}", "x".repeat(5_000))), "NotFound");
    let root = open(&mut served, "/");
    assert!(root.starts_with("listing [\"a.html\", \"empty\", \"etc\", \"fifo\""), "{root}");
}

// proves: http-files-bound
#[test]
fn open_files_are_shared_and_bounded() {
    let new = NewDirectory::new("bounds");
    for number in 0..=ServedDirectory::FILES {
        new.write(&format!("served/{number}"), "text");
    }
    let mut served = new.serve();
    let mut get = |number: usize| served.open(&RequestPath::parse(&format!("/{number}")).unwrap());
    let mut open: Vec<Found> = (0..ServedDirectory::FILES).map(|number| get(number).unwrap()).collect();
    assert!(get(0).is_ok(), "a file that is open");
    assert_eq!(get(ServedDirectory::FILES).err(), Some(ContentError::Busy));
    open.pop();
    assert!(get(ServedDirectory::FILES).is_ok(), "a file after another one was closed");
}

#[test]
fn changed_file_has_another_tag() {
    let new = NewDirectory::new("tags");
    let mut served = new.serve();
    let mut get = || match served.open(&RequestPath::parse("/a").unwrap()) {
        Ok(Found::Resource(resource)) => resource,
        other => panic!("{other:?}"),
    };
    new.write("served/a", "old");
    let (first, same) = (get(), get());
    assert_eq!(first.tag(), same.tag());
    new.write("served/a", "longer");
    let second = get();
    assert_ne!(first.tag(), second.tag());
    assert_eq!((first.length(), second.length()), (3, 6));
}

#[test]
fn listing_is_sorted_and_bounded() {
    let new = NewDirectory::new("listing");
    for number in 0..ServedDirectory::ENTRIES {
        new.write(&format!("served/many/{number:04}"), "");
    }
    let mut served = new.serve();
    let mut list = || match served.open(&RequestPath::parse("/many/").unwrap()) {
        Ok(Found::Listing(listing)) => listing,
        other => panic!("{other:?}"),
    };
    let listing = list();
    assert_eq!((listing.entries.len(), listing.has_more), (ServedDirectory::ENTRIES, false));
    assert!(listing.entries.is_sorted(), "the entries are not sorted");
    new.write("served/many/one more", "");
    let listing = list();
    assert_eq!((listing.entries.len(), listing.has_more), (ServedDirectory::ENTRIES, true));
}

#[test]
fn only_directories_can_be_served() {
    let new = NewDirectory::new("open");
    new.write("file", "");
    for (path, why) in [("file", "not a directory"), ("missing", "No such file or directory")] {
        let path = new.join(path);
        let failure = ServedDirectory::open(&path).expect_err("the directory should be rejected");
        assert_eq!(failure.to_string(), format!("cannot serve the directory {}: {why}", path.display()));
    }
}
