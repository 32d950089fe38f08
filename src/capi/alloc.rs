//! Memory that C frees: the only place that calls `malloc` and its kin.

use std::ffi::{c_char, c_void, CStr};
use std::{mem, ptr};

use crate::model::{code, Error, Result};

#[cold]
fn out_of_memory(bytes: usize) -> Error {
    Error::new(code::NO_MEMORY, format!("{bytes} bytes"))
}

/// No text for C has a NUL inside unless a hypervisor made it up, and one that lies must not make a listing of all fail.
#[cold]
fn without_nul(text: &str) -> Result<*mut c_char> {
    string(&text.replace('\0', "\u{fffd}"))
}

/// A block of so many bytes, aligned for anything.
///
/// # Errors
/// `NO_MEMORY`.
#[inline]
pub fn bytes(count: usize) -> Result<*mut c_void> {
    // SAFETY: malloc may be called with any size.
    let block = unsafe { libc::malloc(count) };
    if block.is_null() {
        return Err(out_of_memory(count));
    }
    Ok(block)
}

/// A NUL-terminated copy of `text`; a NUL inside becomes U+FFFD.
///
/// # Errors
/// `NO_MEMORY`.
#[inline]
pub fn string(text: &str) -> Result<*mut c_char> {
    // SAFETY: it looks at the text only; much faster than looking for the NUL in Rust.
    if unsafe { libc::strnlen(text.as_ptr().cast(), text.len()) } < text.len() {
        return without_nul(text);
    }
    let copy = bytes(text.len() + 1)?.cast::<u8>();
    // SAFETY: the block has room for the text and its NUL.
    unsafe {
        ptr::copy_nonoverlapping(text.as_ptr(), copy, text.len());
        copy.add(text.len()).write(0);
    }
    Ok(copy.cast())
}

/// Like [`string`], for texts that must arrive somehow: no memory gives NULL.
pub fn string_lossy(text: &str) -> *mut c_char {
    string(text).unwrap_or(ptr::null_mut())
}

/// A copy of a C string; NULL stays NULL.
///
/// # Safety
/// `text` is NULL or a C string.
pub unsafe fn duplicate(text: *const c_char) -> *mut c_char {
    if text.is_null() {
        return ptr::null_mut();
    }
    // SAFETY: a C string, says the caller.
    unsafe { libc::strdup(CStr::from_ptr(text).as_ptr()) }
}

/// Gives back what one of the functions here, or C, allocated.
///
/// # Safety
/// `block` is NULL or came from `malloc` and is not used any more.
pub unsafe fn free<T>(block: *mut T) {
    // SAFETY: as the caller says.
    unsafe { libc::free(block.cast::<c_void>()) }
}

/// One zeroed `T`.
///
/// # Errors
/// `NO_MEMORY`.
pub fn zeroed<T>() -> Result<*mut T> {
    // SAFETY: calloc may be called with any size.
    let block = unsafe { libc::calloc(1, mem::size_of::<T>().max(1)) };
    if block.is_null() {
        return Err(out_of_memory(mem::size_of::<T>()));
    }
    Ok(block.cast())
}

/// A block with room for `count` elements and the contents of the old one, which is gone.
///
/// # Errors
/// `NO_MEMORY`; the old block is still there then.
///
/// # Safety
/// `block` is NULL or came from `malloc`.
pub unsafe fn resize<T>(block: *mut T, count: usize) -> Result<*mut T> {
    let bytes = count.checked_mul(mem::size_of::<T>()).ok_or_else(|| out_of_memory(usize::MAX))?;
    // SAFETY: as the caller says.
    let larger = unsafe { libc::realloc(block.cast(), bytes.max(1)) };
    if larger.is_null() {
        return Err(out_of_memory(bytes));
    }
    Ok(larger.cast())
}

/// An array under construction that will be handed to C. Until then it owns its block, though not what its elements
/// point to: `dispose` is called for each of them if it is dropped half-way.
pub struct Array<T: Copy> {
    block: *mut T,
    len: usize,
    room: usize,
    dispose: unsafe fn(T),
}

impl<T: Copy> Array<T> {
    pub fn new(dispose: unsafe fn(T)) -> Array<T> {
        Array { block: ptr::null_mut(), len: 0, room: 0, dispose }
    }

    /// Makes sure that one more element fits; room doubles, so that filling stays linear.
    ///
    /// # Errors
    /// `NO_MEMORY`.
    pub fn reserve(&mut self) -> Result<()> {
        if self.len < self.room {
            return Ok(());
        }
        let room = (self.room * 2).max(8);
        // SAFETY: the block is NULL or ours.
        self.block = unsafe { resize(self.block, room) }?;
        self.room = room;
        Ok(())
    }

    /// Appends an element.
    ///
    /// # Errors
    /// `NO_MEMORY`; the element has been disposed of then.
    #[inline]
    pub fn push(&mut self, element: T) -> Result<()> {
        if let Err(error) = self.reserve() {
            // SAFETY: the element is alive and nobody else has it.
            unsafe { (self.dispose)(element) };
            return Err(error);
        }
        // SAFETY: reserve() made room.
        unsafe { self.block.add(self.len).write(element) };
        self.len += 1;
        Ok(())
    }

    /// Hands the block to C; NULL if nothing was ever pushed.
    pub fn release(self) -> (*mut T, usize) {
        let parts = (self.block, self.len);
        mem::forget(self);
        parts
    }

    /// Hands the block to C with `end` behind its last element, which is not counted.
    ///
    /// # Errors
    /// `NO_MEMORY`; everything is disposed of then.
    pub fn release_with(mut self, end: T) -> Result<(*mut T, usize)> {
        self.reserve()?;
        // SAFETY: reserve() made room.
        unsafe { self.block.add(self.len).write(end) };
        Ok(self.release())
    }
}

impl<T: Copy> Drop for Array<T> {
    fn drop(&mut self) {
        for i in 0..self.len {
            // SAFETY: elements below `len` are written, and nobody else has them.
            unsafe { (self.dispose)(self.block.add(i).read()) };
        }
        // SAFETY: the block is NULL or ours.
        unsafe { free(self.block) };
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_text_with_a_nul_inside_is_neither_refused_nor_cut() {
        for (text, seen) in [("é", "é"), ("a\0b", "a\u{fffd}b"), ("\0", "\u{fffd}"), ("", "")] {
            let copy = string(text).expect("memory");
            // SAFETY: string() made it.
            unsafe {
                assert_eq!(CStr::from_ptr(copy).to_str(), Ok(seen));
                free(copy);
            }
        }
    }

    #[test]
    fn an_array_that_is_dropped_half_way_disposes_of_its_elements() {
        static DISPOSED: AtomicUsize = AtomicUsize::new(0);
        let mut array = Array::new(|n: usize| {
            DISPOSED.fetch_add(n, Ordering::Relaxed);
        });
        (1..=20).for_each(|n| array.push(n).expect("memory"));
        drop(array);
        assert_eq!(DISPOSED.load(Ordering::Relaxed), 210);
    }

    #[test]
    fn the_end_mark_is_not_counted() {
        let mut array = Array::new(|_: usize| {});
        (1..=8).for_each(|n| array.push(n).expect("memory"));
        let (block, len) = array.release_with(0).expect("memory");
        assert_eq!(len, 8);
        // SAFETY: nine elements were written.
        unsafe {
            assert_eq!(std::slice::from_raw_parts(block, 9), [1, 2, 3, 4, 5, 6, 7, 8, 0]);
            free(block);
        }
        let (block, len) = Array::new(|_: usize| {}).release_with(0).expect("memory");
        assert_eq!(len, 0);
        // SAFETY: one element was written.
        unsafe {
            assert_eq!(block.read(), 0);
            free(block);
        }
    }
}
