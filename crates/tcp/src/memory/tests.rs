use super::*;

// proves: tcp-memory-bound
#[test]
fn memory_is_reserved_up_to_its_limit() {
    let mut memory = Memory::new(1_000);
    assert!(memory.reserve(600) && !memory.reserve(401) && memory.reserve(400));
    assert_eq!((memory.used(), memory.level()), (1_000, MemoryLevel::Full));
    memory.release(1_000);
    assert_eq!((memory.used(), memory.level()), (0, MemoryLevel::Normal));
}

#[test]
fn level_follows_use() {
    let mut memory = Memory::new(1_000);
    for (bytes, level) in [
        (749, MemoryLevel::Normal),
        (1, MemoryLevel::Pressure),
        (249, MemoryLevel::Pressure),
        (1, MemoryLevel::Full),
        (500, MemoryLevel::Full),
    ] {
        memory.charge(bytes);
        assert_eq!(memory.level(), level, "{memory:?}");
    }
    assert_eq!(Memory::new(0).level(), MemoryLevel::Full);
}

#[test]
fn reserve_is_a_quarter_of_the_limit() {
    let mut memory = Memory::new(1_000);
    memory.charge(1_249);
    assert!(!memory.is_exhausted());
    memory.charge(1);
    assert!(memory.is_exhausted());
}
