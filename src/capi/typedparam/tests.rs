use super::super::error::{virGetLastErrorCode, virSetErrorFunc};
use super::*;
use std::ffi::c_void;

unsafe extern "C" fn silent(_: *mut c_void, _: super::super::ctypes::virErrorPtr) {}

/// An array as an application keeps it.
struct Params {
    params: virTypedParameterPtr,
    count: c_int,
    room: c_int,
}

impl Params {
    fn new() -> Params {
        virSetErrorFunc(ptr::null_mut(), Some(silent));
        Params { params: ptr::null_mut(), count: 0, room: 0 }
    }

    fn parse(&mut self, name: &CStr, kind: i32, text: &CStr) -> c_int {
        unsafe { virTypedParamsAddFromString(&mut self.params, &mut self.count, &mut self.room, name.as_ptr(), kind, text.as_ptr()) }
    }

    fn uint(&mut self, name: &CStr, value: u32) -> c_int {
        unsafe { virTypedParamsAddUInt(&mut self.params, &mut self.count, &mut self.room, name.as_ptr(), value) }
    }

    fn read(&self, known: &[Known]) -> Result<Vec<TypedParam>> {
        unsafe { read(self.params, self.count as usize, known) }
    }
}

impl Drop for Params {
    fn drop(&mut self) {
        unsafe { virTypedParamsFree(self.params, self.count) };
    }
}

#[test]
fn what_is_added_can_be_read_back() {
    let mut params = Params::new();
    for n in 0..50 {
        assert_eq!(params.uint(c"n", n), 0);
    }
    assert_eq!(params.parse(c"name", kind::STRING, c"disk <a>"), 0);
    assert_eq!(params.count, 51);
    let (mut number, mut text) = (1, ptr::null());
    unsafe {
        assert_eq!(virTypedParamsGetUInt(params.params, params.count, c"n".as_ptr(), &mut number), 1);
        assert_eq!(virTypedParamsGetString(params.params, params.count, c"name".as_ptr(), &mut text), 1);
        assert_eq!((number, CStr::from_ptr(text)), (0, c"disk <a>"));
        assert_eq!(virTypedParamsGetUInt(params.params, params.count, c"no".as_ptr(), ptr::null_mut()), 0);
        assert_eq!(virTypedParamsGetInt(params.params, params.count, c"n".as_ptr(), ptr::null_mut()), -1);
    }
    assert_eq!(virGetLastErrorCode(), code::INVALID_ARG, "of another type");
}

#[test]
fn texts_are_read_as_their_type_or_refused() {
    let mut params = Params::new();
    for (kind, text) in [
        (kind::INT, c" -5"),
        (kind::ULLONG, c"18446744073709551615"),
        (kind::DOUBLE, c"1e3"),
        (kind::BOOLEAN, c"TRUE"),
        (kind::UINT, c"-1"),
    ] {
        assert_eq!(params.parse(c"x", kind, text), 0, "{text:?}");
    }
    for (kind, text) in [
        (kind::INT, c"5x"),
        (kind::INT, c"2147483648"),
        (kind::UINT, c""),
        (kind::LLONG, c"1 "),
        (kind::DOUBLE, c"one"),
        (kind::BOOLEAN, c"2"),
    ] {
        assert_eq!(params.parse(c"x", kind, text), -1, "{text:?}");
        assert_eq!(virGetLastErrorCode(), code::INVALID_ARG);
    }
    assert_eq!(params.parse(c"x", 8, c"1"), -1);
    assert_eq!(virGetLastErrorCode(), code::INTERNAL_ERROR);
    assert_eq!(params.count, 5);
    let last = unsafe { (*params.params.add(4)).value.ui };
    assert_eq!(last, u32::MAX);
}

#[test]
fn a_name_that_does_not_fit_is_refused_and_not_cut() {
    let mut params = Params::new();
    let longest = std::ffi::CString::new("x".repeat(79)).expect("no NUL");
    let longer = std::ffi::CString::new("x".repeat(80)).expect("no NUL");
    assert_eq!(params.uint(&longest, 1), 0);
    assert_eq!(params.uint(&longer, 1), -1);
    assert_eq!(unsafe { virTypedParamsGetUInt(params.params, params.count, longest.as_ptr(), ptr::null_mut()) }, 1);
}

#[test]
fn a_function_refuses_parameters_that_it_does_not_know() {
    let known = [once("a", kind::UINT), Known { field: "m", kind: kind::UINT, multiple: true }];
    let with = |names: &[&CStr]| {
        let mut params = Params::new();
        names.iter().for_each(|name| assert_eq!(params.uint(name, 1), 0));
        params.read(&known).map(|read| read.len()).map_err(|error| error.code)
    };
    assert_eq!(with(&[c"m", c"a", c"m"]), Ok(3));
    assert_eq!(with(&[c"a", c"a"]), Err(code::INVALID_ARG));
    assert_eq!(with(&[c"b"]), Err(code::ARGUMENT_UNSUPPORTED));
    let mut other_type = Params::new();
    other_type.parse(c"a", kind::STRING, c"1");
    assert_eq!(other_type.read(&known).map_err(|error| error.code), Err(code::INVALID_ARG));
}

#[test]
fn nothing_is_freed_twice_and_null_is_harmless() {
    let mut params = Params::new();
    params.parse(c"s", kind::STRING, c"text");
    unsafe {
        virTypedParamsClear(params.params, params.count);
        virTypedParamsClear(params.params, params.count);
        virTypedParamsFree(ptr::null_mut(), 3);
        assert!(virTypedParamsGet(ptr::null_mut(), 1, c"s".as_ptr()).is_null());
        assert!(virTypedParamsGet(params.params, params.count, ptr::null()).is_null());
        assert!(virTypedParamsGet(params.params, -1, c"s".as_ptr()).is_null());
    }
}
