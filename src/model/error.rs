//! One error type for every room; `capi` turns it into a `virError`.

use std::fmt;

/// `virErrorNumber`: the codes that this library raises.
pub mod code {
    pub const OK: i32 = 0;
    pub const INTERNAL_ERROR: i32 = 1;
    pub const NO_MEMORY: i32 = 2;
    pub const NO_SUPPORT: i32 = 3;
    pub const NO_CONNECT: i32 = 5;
    pub const INVALID_CONN: i32 = 6;
    pub const INVALID_DOMAIN: i32 = 7;
    pub const INVALID_ARG: i32 = 8;
    pub const OPERATION_FAILED: i32 = 9;
    pub const NO_SOURCE: i32 = 19;
    pub const NO_TARGET: i32 = 20;
    pub const NO_NAME: i32 = 21;
    pub const XML_ERROR: i32 = 27;
    pub const DOM_EXIST: i32 = 28;
    pub const OPERATION_DENIED: i32 = 29;
    pub const XML_DETAIL: i32 = 35;
    pub const SYSTEM_ERROR: i32 = 38;
    pub const RPC: i32 = 39;
    pub const NO_DOMAIN: i32 = 42;
    pub const OPERATION_INVALID: i32 = 55;
    pub const CONFIG_UNSUPPORTED: i32 = 67;
    pub const OPERATION_TIMEOUT: i32 = 68;
    pub const INVALID_DOMAIN_SNAPSHOT: i32 = 71;
    pub const NO_DOMAIN_SNAPSHOT: i32 = 72;
    pub const ARGUMENT_UNSUPPORTED: i32 = 74;
    pub const OPERATION_ABORTED: i32 = 78;
    pub const OVERFLOW: i32 = 82;
    pub const BLOCK_COPY_ACTIVE: i32 = 83;
    pub const OPERATION_UNSUPPORTED: i32 = 84;
    pub const RESOURCE_BUSY: i32 = 87;
    pub const XML_INVALID_SCHEMA: i32 = 92;
    pub const DEVICE_MISSING: i32 = 99;
    pub const NO_DOMAIN_CHECKPOINT: i32 = 103;
    pub const NO_DOMAIN_BACKUP: i32 = 104;
    pub const CHECKPOINT_INCONSISTENT: i32 = 109;
    /// `VIR_ERR_NO_DOMAIN_JOB`: ours, outside the range that libvirt counts up in.
    pub const NO_DOMAIN_JOB: i32 = 0x1006e;
}

/// `virErrorDomain`: which part of the library raised it.
pub mod from {
    pub const NONE: i32 = 0;
    pub const XML: i32 = 5;
    pub const DOM: i32 = 6;
    pub const QEMU: i32 = 10;
    pub const TEST: i32 = 12;
    pub const DOMAIN: i32 = 20;
    pub const STORAGE: i32 = 18;
    pub const DOMAIN_SNAPSHOT: i32 = 35;
    pub const EVENT: i32 = 40;
    pub const URI: i32 = 45;
    pub const THREAD: i32 = 61;
}

/// Why a call failed, in libvirt's terms.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Error {
    pub code: i32,
    /// `virErrorDomain`; [`from::NONE`] is filled in by the driver that the call went to.
    pub domain: i32,
    /// What went wrong, without the code's own prefix.
    pub detail: String,
}

/// What every fallible function of this crate returns.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub fn new(code: i32, detail: impl Into<String>) -> Error {
        Error { code, domain: from::NONE, detail: detail.into() }
    }

    /// The same error, raised by this part unless a part was named before.
    pub fn or_from(mut self, domain: i32) -> Error {
        if self.domain == from::NONE {
            self.domain = domain;
        }
        self
    }

    /// The same error, raised by this part.
    pub fn raised_by(mut self, domain: i32) -> Error {
        self.domain = domain;
        self
    }

    pub fn invalid_arg(detail: impl Into<String>) -> Error {
        Error::new(code::INVALID_ARG, detail)
    }

    pub fn invalid(detail: impl Into<String>) -> Error {
        Error::new(code::OPERATION_INVALID, detail)
    }

    pub fn unsupported(detail: impl Into<String>) -> Error {
        Error::new(code::OPERATION_UNSUPPORTED, detail)
    }

    pub fn config(detail: impl Into<String>) -> Error {
        Error::new(code::CONFIG_UNSUPPORTED, detail)
    }

    pub fn xml(detail: impl Into<String>) -> Error {
        Error::new(code::XML_ERROR, detail)
    }

    pub fn internal(detail: impl Into<String>) -> Error {
        Error::new(code::INTERNAL_ERROR, detail)
    }

    pub fn failed(detail: impl Into<String>) -> Error {
        Error::new(code::OPERATION_FAILED, detail)
    }

    /// The driver behind the connection has no such call.
    pub fn no_support(function: &str) -> Error {
        Error::new(code::NO_SUPPORT, function)
    }

    pub fn no_domain(detail: impl Into<String>) -> Error {
        Error::new(code::NO_DOMAIN, detail)
    }

    pub fn no_job(name: &str) -> Error {
        Error::new(code::NO_DOMAIN_JOB, format!("no job named '{name}'"))
    }

    /// A system call failed: what was tried, and why the system refused.
    pub fn system(what: impl fmt::Display, why: &std::io::Error) -> Error {
        let mut reason = why.to_string();
        if let Some(number) = why.raw_os_error() {
            // As strerror(3) has it, which is how libvirt prints it.
            reason.truncate(reason.trim_end_matches(&format!(" (os error {number})")).len());
        }
        Error::new(code::SYSTEM_ERROR, format!("{what}: {reason}"))
    }

    /// The code's own text with a `%s` where the detail goes: `virError.str1`.
    pub fn format(&self) -> &'static str {
        match self.code {
            code::INTERNAL_ERROR => "internal error: %s",
            code::NO_MEMORY => "out of memory: %s",
            code::NO_SUPPORT => "this function is not supported by the connection driver: %s",
            code::NO_CONNECT => "no connection driver available for %s",
            code::INVALID_CONN => "invalid connection pointer in %s",
            code::INVALID_DOMAIN => "invalid domain pointer in %s",
            code::INVALID_ARG => "invalid argument: %s",
            code::OPERATION_FAILED => "operation failed: %s",
            code::NO_SOURCE if self.detail.is_empty() => "missing source information for device",
            code::NO_TARGET if self.detail.is_empty() => "missing target information for device",
            code::NO_SOURCE => "missing source information for device %s",
            code::NO_TARGET => "missing target information for device %s",
            code::NO_NAME if self.detail.is_empty() => "missing name information",
            code::NO_NAME => "missing name information in %s",
            code::XML_ERROR => "XML error: %s",
            code::XML_DETAIL => "%s",
            code::OPERATION_DENIED => "operation forbidden: %s",
            code::NO_DOMAIN => "Domain not found: %s",
            code::OPERATION_INVALID => "Requested operation is not valid: %s",
            code::CONFIG_UNSUPPORTED => "unsupported configuration: %s",
            code::OPERATION_TIMEOUT => "Timed out during operation: %s",
            code::INVALID_DOMAIN_SNAPSHOT => "Invalid domain snapshot: %s",
            code::NO_DOMAIN_SNAPSHOT => "Domain snapshot not found: %s",
            code::ARGUMENT_UNSUPPORTED => "argument unsupported: %s",
            code::OPERATION_ABORTED => "operation aborted: %s",
            code::OVERFLOW => "numerical overflow: %s",
            code::BLOCK_COPY_ACTIVE => "block copy still active: %s",
            code::OPERATION_UNSUPPORTED => "Operation not supported: %s",
            code::RESOURCE_BUSY => "resource busy: %s",
            code::DEVICE_MISSING => "device not found: %s",
            code::XML_INVALID_SCHEMA => "XML document failed to validate against schema: %s",
            code::NO_DOMAIN_CHECKPOINT => "Domain checkpoint not found: %s",
            code::CHECKPOINT_INCONSISTENT => "checkpoint inconsistent: %s",
            code::NO_DOMAIN_BACKUP => "Domain backup job id not found: %s",
            code::NO_DOMAIN_JOB => "Domain job not found: %s",
            code::DOM_EXIST => "domain %s exists already",
            _ => "%s",
        }
    }

    /// The whole message, as `virError.message` has it.
    pub fn message(&self) -> String {
        self.format().replacen("%s", &self.detail, 1)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_error_reads_as_libvirt_prints_it() {
        let error = Error::system("cannot open 'x'", &std::io::Error::from_raw_os_error(libc::ENOENT));
        assert_eq!(error.message(), "cannot open 'x': No such file or directory");
        assert_eq!(Error::system("cannot open 'x'", &std::io::Error::other("torn")).message(), "cannot open 'x': torn");
    }
}
