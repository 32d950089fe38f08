//! The real `libvirt.so.0`: finding it in the process, opening it, looking its functions up.

use std::ffi::{c_int, c_void, CStr, CString, OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use once_cell::sync::OnceCell;

use crate::model::{code, from, Error, Result};

/// The name that programs which use the real library know it by.
const LIBRARY: &CStr = c"libvirt.so.0";
const QEMU_LIBRARY: &str = "libvirt-qemu.so.0";
/// A function that every release has.
const LANDMARK: &CStr = c"virConnectOpen";

/// The real library. It stays in the process to its end.
pub struct Real {
    handle: Handle,
    qemu: OnceCell<Handle>,
}

/// What `dlopen` returned; never closed.
#[derive(Clone, Copy)]
struct Handle(NonNull<c_void>);

// SAFETY: the functions of the dynamic linker may be called with it from every thread.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

/// The one that was found, or NULL.
static FOUND: AtomicPtr<Real> = AtomicPtr::new(ptr::null_mut());
/// How many libraries had been loaded when it was looked for in vain. While there are no more, it need not be done again.
static MISSED_AT: AtomicU64 = AtomicU64::new(0);

/// The real library, if the process has it already, whoever loaded it. Never loads it.
pub fn present() -> Option<&'static Real> {
    found().or_else(look)
}

fn found() -> Option<&'static Real> {
    // SAFETY: NULL or what keep() has leaked.
    unsafe { FOUND.load(Ordering::Acquire).as_ref() }
}

#[cold]
fn look() -> Option<&'static Real> {
    let loaded = libraries_loaded();
    if loaded != 0 && MISSED_AT.load(Ordering::Relaxed) == loaded {
        return None;
    }
    match open(LIBRARY, libc::RTLD_LAZY | libc::RTLD_NOLOAD).filter(|&handle| !is_this_library(handle)) {
        Some(handle) => Some(keep(handle)),
        None => {
            MISSED_AT.store(loaded, Ordering::Relaxed);
            None
        }
    }
}

/// The real library, which is loaded if the process does not have it yet.
///
/// `VIRT_JOBS_LIBVIRT` in the environment is the path of the one to load.
///
/// # Errors
/// `NO_CONNECT` with the name that was looked for.
pub fn load() -> Result<&'static Real> {
    if let Some(real) = present() {
        return Ok(real);
    }
    if let Some(path) = std::env::var_os("VIRT_JOBS_LIBVIRT").filter(|path| !path.is_empty()) {
        return open_named(&path).map(keep).ok_or_else(|| missing(&path.to_string_lossy(), &last_failure()));
    }
    // As a drop-in for libvirt this library bears that name itself. By its path the real one is another library.
    let named = OsStr::from_bytes(LIBRARY.to_bytes());
    let opened = open_named(named).ok_or_else(last_failure);
    let elsewhere = || usual_places().iter().find_map(|path| open_named(path.as_os_str()));
    match opened {
        Ok(handle) if !is_this_library(handle) => Ok(keep(handle)),
        Ok(_) => elsewhere().map(keep).ok_or_else(|| missing(&named.to_string_lossy(), "there is none beside this drop-in for it")),
        Err(why) => Err(missing(&named.to_string_lossy(), &why)),
    }
}

fn missing(library: &str, why: &str) -> Error {
    Error::new(code::NO_CONNECT, format!("{library}, the libvirt library, cannot be opened: {why}")).raised_by(from::NONE)
}

/// Makes a handle the one that all find.
fn keep(handle: Handle) -> &'static Real {
    let real = Box::into_raw(Box::new(Real { handle, qemu: OnceCell::new() }));
    // No lock is held around dlopen(): it runs foreign code, which may come here.
    match FOUND.compare_exchange(ptr::null_mut(), real, Ordering::AcqRel, Ordering::Acquire) {
        // SAFETY: leaked for good.
        Ok(_) => unsafe { &*real },
        Err(first) => {
            // SAFETY: `real` was shown to nobody; `first` is leaked for good.
            unsafe {
                drop(Box::from_raw(real));
                &*first
            }
        }
    }
}

impl Real {
    /// A function or variable of `libvirt.so.0`; `None` if this release does not have it.
    pub fn symbol(&self, name: &CStr) -> Option<NonNull<c_void>> {
        self.handle.symbol(name)
    }

    /// A function of `libvirt-qemu.so.0`, which is loaded on first need.
    ///
    /// # Errors
    /// `NO_SUPPORT` if there is no such library, or no such function in it.
    pub fn qemu_symbol(&self, name: &CStr) -> Result<NonNull<c_void>> {
        let unsupported = |why: String| Error::new(code::NO_SUPPORT, format!("{}: {why}", name.to_string_lossy())).raised_by(from::NONE);
        let library = self.qemu.get_or_try_init(|| {
            let beside = self.directory().map(|directory| directory.join(QEMU_LIBRARY)).filter(|path| path.is_file());
            let library = beside.map_or_else(|| OsString::from(QEMU_LIBRARY), OsString::from);
            open_named(&library).ok_or_else(|| unsupported(last_failure()))
        })?;
        library.symbol(name).ok_or_else(|| unsupported(format!("{QEMU_LIBRARY} does not have it")))
    }

    /// Where the library was loaded from.
    fn directory(&self) -> Option<PathBuf> {
        let info = object_of(self.symbol(LANDMARK)?.as_ptr())?;
        // SAFETY: the name of a loaded object, which this one stays.
        let path = Path::new(OsStr::from_bytes(unsafe { CStr::from_ptr(info.dli_fname) }.to_bytes()));
        path.is_absolute().then(|| path.parent()).flatten().map(Path::to_owned)
    }
}

impl Handle {
    fn symbol(self, name: &CStr) -> Option<NonNull<c_void>> {
        // SAFETY: a handle that is never closed, and a C string.
        NonNull::new(unsafe { libc::dlsym(self.0.as_ptr(), name.as_ptr()) })
    }
}

/// Opens a library for good.
fn open_named(library: &OsStr) -> Option<Handle> {
    // With DEEPBIND it finds its own functions where it looks for them, not ours, which bear the same names. Sanitizers
    // do not work with it.
    let deep = if std::env::var_os("VIRT_JOBS_NO_DEEPBIND").is_some() { 0 } else { libc::RTLD_DEEPBIND };
    open(&CString::new(library.as_bytes()).ok()?, libc::RTLD_NOW | libc::RTLD_LOCAL | deep)
}

fn open(library: &CStr, flags: c_int) -> Option<Handle> {
    // SAFETY: a C string. What the library's constructors do is its own affair; the real one has none.
    NonNull::new(unsafe { libc::dlopen(library.as_ptr(), flags) }).map(Handle)
}

/// Why opening a library failed.
fn last_failure() -> String {
    // SAFETY: NULL or a C string that lasts until this thread's next call of this kind.
    let text = unsafe { libc::dlerror() };
    if text.is_null() {
        return "for no reason that the system gives".to_owned();
    }
    // SAFETY: as above.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// Whether what goes by the name of the real library is the one that this code is in.
fn is_this_library(handle: Handle) -> bool {
    let base = |address| object_of(address).map(|info| info.dli_fbase);
    let found = handle.symbol(LANDMARK).and_then(|symbol| base(symbol.as_ptr()));
    found.is_none() || found == base(is_this_library as *mut c_void)
}

/// Whether the program's own calls come to this library: its functions are found before those of the real one, if these are
/// found at all.
pub fn is_in_use() -> bool {
    static IN_USE: OnceCell<bool> = OnceCell::new();
    *IN_USE.get_or_init(|| {
        // SAFETY: a C string.
        let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, LANDMARK.as_ptr()) };
        let base = |address| object_of(address).map(|info| info.dli_fbase);
        !found.is_null() && base(found) == base(is_in_use as *mut c_void)
    })
}

/// Whether this library is in front of a program that was made for the real one, as preloaded or by its name, and need not know that.
pub(super) fn is_in_front() -> bool {
    static IN_FRONT: OnceCell<bool> = OnceCell::new();
    *IN_FRONT.get_or_init(|| {
        let Some(own) = object_of(is_in_front as *mut c_void) else { return false };
        // SAFETY: the name of a loaded object, which this one stays.
        let own = file_name(unsafe { CStr::from_ptr(own.dli_fname) }.to_bytes());
        let preloaded = std::env::var_os("LD_PRELOAD").unwrap_or_default();
        let mut preloaded = preloaded.as_bytes().split(|&byte| byte == b' ' || byte == b':');
        own == LIBRARY.to_bytes() || preloaded.any(|path| file_name(path) == own)
    })
}

fn file_name(path: &[u8]) -> &[u8] {
    path.rsplit(|&byte| byte == b'/').next().unwrap_or(path)
}

/// The loaded object that an address lies in.
fn object_of(address: *mut c_void) -> Option<libc::Dl_info> {
    let mut info = libc::Dl_info { dli_fname: ptr::null(), dli_fbase: ptr::null_mut(), dli_sname: ptr::null(), dli_saddr: ptr::null_mut() };
    // SAFETY: there is room for the answer; the address is only compared.
    (unsafe { libc::dladdr(address, &mut info) } != 0 && !info.dli_fname.is_null()).then_some(info)
}

/// How many libraries the process has ever loaded; 0 if the system does not say.
fn libraries_loaded() -> u64 {
    unsafe extern "C" fn first(info: *mut libc::dl_phdr_info, size: usize, count: *mut c_void) -> c_int {
        if size >= std::mem::offset_of!(libc::dl_phdr_info, dlpi_adds) + size_of::<u64>() {
            // SAFETY: the system's description of an object, as large as it says, and the place below.
            unsafe { *count.cast::<u64>() = (*info).dlpi_adds };
        }
        1
    }
    let mut count = 0u64;
    // SAFETY: the function above stops at the first object and keeps nothing.
    unsafe { libc::dl_iterate_phdr(Some(first), (&raw mut count).cast()) };
    count
}

/// Paths at which distributions install the real library.
fn usual_places() -> Vec<PathBuf> {
    let multiarch = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    let name = OsStr::from_bytes(LIBRARY.to_bytes());
    [multiarch.as_str(), "/usr/lib64", "/usr/lib", "/usr/local/lib64", "/usr/local/lib"]
        .iter()
        .map(|directory| Path::new(directory).join(name))
        .filter(|path| path.is_file())
        .collect()
}
