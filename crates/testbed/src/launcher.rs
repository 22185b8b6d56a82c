//! The process of a test: environment, temporary directory, time limit.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::Pid;

/// Environment variables that a test inherits.
const KEPT_VARIABLES: [&str; 5] =
    ["PATH", "LD_LIBRARY_PATH", "LLVM_PROFILE_FILE", "RUST_BACKTRACE", "TAPSTACK_REQUIRE_WIRE"];
/// Signals that end a program: SIGHUP, SIGINT, SIGQUIT and SIGTERM.
const ENDING_SIGNALS: [i32; 4] = [1, 2, 3, 15];
/// Interval between checks whether a process has ended.
const PAUSE: Duration = Duration::from_millis(10);
/// Maximum number of rounds in which the descendants of a process are listed and killed.
const KILL_ROUNDS: u32 = 1_000;
/// Maximum length in bytes of the path that contains temporary directories. The path of a socket has up to 107 bytes.
const MAX_FOLDER_PATH: usize = 60;

/// Temporary directory. Dropping this value deletes the directory.
pub struct TempFolder(PathBuf);

impl TempFolder {
    /// Creates a directory owned by this user, or by `owner`.
    pub fn new(owner: Option<u32>) -> io::Result<TempFolder> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = parent().join(format!("tapstack-{}-{number}", std::process::id()));
        fs::create_dir(&path)?;
        let folder = TempFolder(path);
        fs::set_permissions(&folder.0, Permissions::from_mode(0o755))?;
        if owner.is_some() {
            chown(&folder.0, owner, owner)?;
        }
        Ok(folder)
    }

    /// Returns the path of the directory.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Returns a directory for temporary files that all users may enter and that permits execution of files. If no
/// such directory exists, returns the default directory for temporary files.
fn parent() -> PathBuf {
    let default = std::env::temp_dir();
    let others = ["/tmp", "/var/tmp", "/dev/shm"].map(PathBuf::from);
    let all = [default.clone()].into_iter().chain(others);
    all.into_iter().find(|folder| is_usable(folder)).unwrap_or(default)
}

fn is_usable(folder: &Path) -> bool {
    let is_open = |folder: &Path| {
        folder
            .metadata()
            .is_ok_and(|metadata| metadata.is_dir() && metadata.permissions().mode() & 0o001 != 0)
    };
    let is_executable = statvfs(folder).is_ok_and(|system| !system.flags().contains(FsFlags::ST_NOEXEC));
    let is_writable = nix::unistd::eaccess(folder, nix::unistd::AccessFlags::W_OK).is_ok();
    let is_short = folder.as_os_str().len() <= MAX_FOLDER_PATH;
    folder.is_absolute() && is_short && is_writable && is_executable && folder.ancestors().all(is_open)
}

/// Restores the default action of the signals SIGHUP, SIGINT, SIGQUIT and SIGTERM in the processes that this process
/// starts.
///
/// Children inherit ignored signals. nohup, and shells without job control, start background jobs that ignore some of
/// these signals.
pub fn restore_signals() -> io::Result<()> {
    let ignored = ignored_signals()?;
    // The handler does nothing, and exec resets it to the default action in a child.
    for signal in ENDING_SIGNALS.into_iter().filter(|signal| ignored & (1 << (signal - 1)) != 0) {
        signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false)))?;
    }
    Ok(())
}

/// Returns the set of signals that this process ignores. The lowest bit is signal 1.
pub fn ignored_signals() -> io::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.ok_or_else(|| io::Error::other("no SigIgn in /proc/self/status"))?;
    u64::from_str_radix(mask.trim(), 16).map_err(io::Error::other)
}

/// Exit status and output of a process.
pub struct ProcessOutput {
    /// Exit status of the process, or `None` if it was killed at its time limit.
    pub status: Option<ExitStatus>,
    /// Command lines of the descendants that were killed with the process.
    pub killed: Vec<String>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub errors: String,
}

/// Runs a command with a clean environment and a temporary directory, and waits for its end. Kills the process and its
/// descendants at the time limit.
pub fn run(command: &mut Command, folder: &TempFolder, limit: Duration) -> io::Result<ProcessOutput> {
    let (out, errors) = (folder.0.join("stdout"), folder.0.join("stderr"));
    // Output goes to files, because a descendant that outlives the process would keep a pipe open.
    command.stdin(Stdio::null()).stdout(File::create(&out)?).stderr(File::create(&errors)?);
    let added: Vec<_> =
        command.get_envs().map(|(name, value)| (name.to_owned(), value.map(OsStr::to_owned))).collect();
    command.env_clear().envs(KEPT_VARIABLES.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command.envs(added.into_iter().filter_map(|(name, value)| Some((name, value?)))).env("TMPDIR", &folder.0);
    let mut child = command.spawn()?;
    let mut killed = Vec::new();
    let status = wait(&mut child, limit)?;
    if status.is_none() {
        killed = kill_all(&mut child)?;
    }
    let text = |path: &Path| fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Ok(ProcessOutput { status, killed, out: text(&out)?, errors: text(&errors)? })
}

/// Waits for the end of a process, up to a time limit.
fn wait(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    for _ in 0..limit.as_millis() / PAUSE.as_millis() {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        thread::sleep(PAUSE);
    }
    child.try_wait()
}

/// Kills a process and its descendants. Returns the command lines of the descendants.
fn kill_all(child: &mut Child) -> io::Result<Vec<String>> {
    let root = child.id();
    // A stopped process creates no more children, and remains the parent of its children.
    signal(root, Signal::SIGSTOP)?;
    let mut killed = BTreeMap::new();
    for _ in 0..KILL_ROUNDS {
        let living = descendants(root)?;
        if living.is_empty() {
            break;
        }
        for pid in living {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            killed.entry(pid).or_insert_with(|| line.trim().to_owned());
            // An error is ignored: the process may have ended.
            let _ = signal(pid, Signal::SIGKILL);
        }
        thread::sleep(PAUSE);
    }
    child.kill()?;
    child.wait()?;
    Ok(killed.into_values().filter(|line| !line.is_empty()).collect())
}

fn signal(pid: u32, signal: Signal) -> io::Result<()> {
    let pid = i32::try_from(pid).map_err(io::Error::other)?;
    Ok(kill(Pid::from_raw(pid), signal)?)
}

/// Returns the descendants of a process that have not ended.
fn descendants(root: u32) -> io::Result<Vec<u32>> {
    let mut parents = BTreeMap::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // A process that has ended since is skipped.
        let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        // The format is `PID (NAME) STATE PARENT ...`. The name may contain any characters.
        let mut fields = stat.rsplit_once(") ").map_or("", |(_, rest)| rest).split(' ');
        let (Some(state), Some(parent)) = (fields.next(), fields.next()) else { continue };
        if let Ok(parent) = parent.parse::<u32>() {
            parents.insert(pid, (parent, state != "Z"));
        }
    }
    let is_descendant = |pid: u32| {
        let mut ancestor = pid;
        // At most one step per process, because process IDs that are reused while the list is read may form a cycle.
        parents
            .keys()
            .map_while(|_| {
                ancestor = parents.get(&ancestor)?.0;
                Some(ancestor)
            })
            .any(|ancestor| ancestor == root)
    };
    let living = parents.iter().filter(|(_, (_, is_alive))| *is_alive).map(|(pid, _)| *pid);
    Ok(living.filter(|pid| is_descendant(*pid)).collect())
}
