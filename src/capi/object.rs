//! The table behind every pointer that C holds.
//!
//! A handle is the address of a slot in memory that is reserved once and never given back, and of which nothing is
//! ever read or written here: what a handle means stands in the table beside it. A pointer from C is looked up by its
//! address before anything else happens, so NULL, freed, foreign and mistaken pointers are told apart without touching
//! what they point to. The slot itself stays zero: the real library's class check reads the first word of an object as
//! its class, finds none, and refuses it; slots are larger than its largest object, so whatever it reads or writes
//! there without checking harms nobody.

use std::collections::VecDeque;
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

use once_cell::sync::Lazy;
use parking_lot::RwLock;

use super::handle::{Connect, Domain, Snapshot};
use crate::model::{code, Error, Result};

/// Bytes of a slot.
const SLOT: usize = 512;
/// Slots that are reserved at once: 1 MiB of address space, which costs no memory while nobody touches it.
const SLAB_SLOTS: usize = 2048;
/// A freed slot is not used again before so many others were freed: a stale pointer does not soon mean another object.
const QUARANTINE: usize = 1024;

/// What a slot can hold.
#[derive(Clone)]
pub enum Any {
    Connect(Arc<Connect>),
    Domain(Arc<Domain>),
    Snapshot(Arc<Snapshot>),
}

/// A class of objects that C has pointers to.
pub trait Object: Sized + Send + Sync + 'static {
    /// The opaque C type.
    type C;
    fn wrap(object: Arc<Self>) -> Any;
    fn unwrap(any: &Any) -> Option<&Arc<Self>>;
    /// Told once, before anybody else can have the pointer.
    fn placed(&self, _pointer: *mut Self::C) {}
}

/// What a pointer from C turned out to be.
pub enum Resolved<T> {
    Ours(Arc<T>),
    /// One of our addresses that is no such object: freed, or of another class.
    Stale,
    /// Not ours; perhaps the real library's.
    Foreign,
    Null,
}

struct Slot {
    object: Option<Any>,
    /// References that C and other handles hold; 0 for a free slot.
    refs: AtomicUsize,
}

#[derive(Default)]
struct Table {
    /// Start and number of each slab, by start.
    slabs: Vec<(usize, usize)>,
    /// The start of each slab, by number.
    starts: Vec<usize>,
    slots: Vec<Slot>,
    /// Freed slots, the longest free first.
    freed: VecDeque<usize>,
}

static TABLE: Lazy<RwLock<Table>> = Lazy::new(RwLock::default);

/// Where the lowest slab starts and the highest ends, so that most foreign addresses are known without the table.
static LOWEST: AtomicUsize = AtomicUsize::new(usize::MAX);
static HIGHEST: AtomicUsize = AtomicUsize::new(0);

impl Table {
    fn index(&self, address: usize) -> Option<usize> {
        let after = self.slabs.partition_point(|&(start, _)| start <= address);
        let (start, number) = *self.slabs.get(after.checked_sub(1)?)?;
        let offset = address - start;
        (offset < SLAB_SLOTS * SLOT).then_some(())?;
        (offset % SLOT == 0).then_some(number * SLAB_SLOTS + offset / SLOT)
    }

    /// Whether the address lies in one of our slabs, be it a slot or not.
    fn covers(&self, address: usize) -> bool {
        let after = self.slabs.partition_point(|&(start, _)| start <= address);
        after.checked_sub(1).is_some_and(|i| address - self.slabs[i].0 < SLAB_SLOTS * SLOT)
    }

    fn address(&self, index: usize) -> usize {
        self.starts[index / SLAB_SLOTS] + index % SLAB_SLOTS * SLOT
    }

    fn live<T: Object>(&self, address: usize) -> Option<(usize, &Slot, &Arc<T>)> {
        let index = self.index(address)?;
        let slot = self.slots.get(index)?;
        Some((index, slot, T::unwrap(slot.object.as_ref()?)?))
    }

    fn free_slot(&mut self) -> Result<usize> {
        if self.freed.len() > QUARANTINE {
            if let Some(index) = self.freed.pop_front() {
                return Ok(index);
            }
        }
        if self.slots.len() == self.starts.len() * SLAB_SLOTS {
            self.grow()?;
        }
        self.slots.push(Slot { object: None, refs: AtomicUsize::new(0) });
        Ok(self.slots.len() - 1)
    }

    /// Puts an object, with one reference, into a slot and says where that is.
    fn place(&mut self, object: Any) -> Result<usize> {
        let index = self.free_slot()?;
        self.slots[index] = Slot { object: Some(object), refs: AtomicUsize::new(1) };
        Ok(self.address(index))
    }

    /// Empties a slot.
    fn vacate(&mut self, index: usize) -> Option<Any> {
        self.freed.push_back(index);
        self.slots[index].object.take()
    }

    fn grow(&mut self) -> Result<()> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new anonymous mapping, wherever the system likes it.
        let start = unsafe { libc::mmap(ptr::null_mut(), SLAB_SLOTS * SLOT, protection, flags, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(Error::new(code::NO_MEMORY, "handles"));
        }
        let start = start as usize;
        let at = self.slabs.partition_point(|&(other, _)| other < start);
        self.slabs.insert(at, (start, self.starts.len()));
        self.starts.push(start);
        LOWEST.fetch_min(start, Ordering::Relaxed);
        HIGHEST.fetch_max(start + SLAB_SLOTS * SLOT, Ordering::Relaxed);
        Ok(())
    }
}

/// Whether an address is one that we gave out, be it in use or not.
pub fn is_ours(address: usize) -> bool {
    // Whoever has a pointer of ours has got it after these were set.
    let possible = (LOWEST.load(Ordering::Relaxed)..HIGHEST.load(Ordering::Relaxed)).contains(&address);
    possible && TABLE.read().covers(address)
}

/// Finds out what a pointer is; never looks at what it points to.
pub fn resolve<T: Object>(pointer: *mut T::C) -> Resolved<T> {
    if pointer.is_null() {
        return Resolved::Null;
    }
    let table = TABLE.read();
    match table.live::<T>(pointer as usize) {
        Some((_, _, object)) => Resolved::Ours(object.clone()),
        None if table.covers(pointer as usize) => Resolved::Stale,
        None => Resolved::Foreign,
    }
}

/// Adds a reference; `None` if there is no such object.
pub fn retain<T: Object>(pointer: *mut T::C) -> Option<Strong<T>> {
    let table = TABLE.read();
    let (_, slot, object) = table.live::<T>(pointer as usize)?;
    // A count of zero cannot be seen here: the slot is emptied under the write lock that lets it reach zero.
    slot.refs.fetch_add(1, Ordering::Relaxed);
    Some(Strong { object: object.clone(), pointer: pointer as usize, class: PhantomData })
}

/// Drops a reference and says how many are left; the object goes with the last. `None` if there is no such object.
pub fn release<T: Object>(pointer: *mut T::C) -> Option<usize> {
    let others = {
        let table = TABLE.read();
        let (_, slot, _) = table.live::<T>(pointer as usize)?;
        slot.refs.fetch_update(Ordering::AcqRel, Ordering::Acquire, |refs| (refs > 1).then(|| refs - 1))
    };
    if let Ok(before) = others {
        return Some(before - 1);
    }
    let mut table = TABLE.write();
    let (index, _, _) = table.live::<T>(pointer as usize)?;
    let refs = table.slots[index].refs.get_mut();
    *refs -= 1;
    if *refs > 0 {
        return Some(*refs);
    }
    let object = table.vacate(index);
    drop(table);
    // Only now: dropping it may drop further references, and run what its users registered.
    drop(object);
    Some(0)
}

/// A reference that is counted in the table: it keeps the handle valid for C and the object alive.
pub struct Strong<T: Object> {
    object: Arc<T>,
    pointer: usize,
    class: PhantomData<fn() -> T>,
}

impl<T: Object> Strong<T> {
    /// Gives an object a handle, with this as its first reference.
    ///
    /// # Errors
    /// `NO_MEMORY`.
    pub fn new(object: T) -> Result<Strong<T>> {
        let object = Arc::new(object);
        let mut table = TABLE.write();
        let pointer = table.place(T::wrap(object.clone()))?;
        object.placed(pointer as *mut T::C);
        Ok(Strong { object, pointer, class: PhantomData })
    }

    pub fn object(&self) -> &Arc<T> {
        &self.object
    }

    /// The handle, still owned here.
    pub fn as_ptr(&self) -> *mut T::C {
        self.pointer as *mut T::C
    }

    /// The handle, with the reference: whoever gets it must release it.
    pub fn into_ptr(self) -> *mut T::C {
        let pointer = self.as_ptr();
        // SAFETY: `self` is not used again; only its drop, which would release the reference, is left out.
        drop(unsafe { ptr::read(&std::mem::ManuallyDrop::new(self).object) });
        pointer
    }
}

impl<T: Object> Deref for Strong<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.object
    }
}

impl<T: Object> Drop for Strong<T> {
    fn drop(&mut self) {
        release::<T>(self.as_ptr());
    }
}

#[cfg(test)]
mod tests;
