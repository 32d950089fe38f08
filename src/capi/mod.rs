//! The C interface: the only room with `extern "C"`. It knows every other room and none knows it.
//!
//! One file per C object, with bodies of a few lines each between the checks of `entry` and the driver.
#![allow(non_snake_case, non_upper_case_globals, clippy::missing_safety_doc, clippy::not_unsafe_ptr_arg_deref)]

pub mod abi;
mod alloc;
mod block;
mod connect;
pub mod ctypes;
mod domain;
mod domainjob;
mod dropin;
mod entry;
mod error;
mod event;
mod eventloop;
mod forward;
mod handle;
mod job;
mod joblist;
mod listing;
mod migrate;
mod object;
mod opaque;
mod opened;
mod overlay;
mod save;
mod snapshot;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod typedparam;

pub use block::{
    virDomainBackupBegin, virDomainBackupGetXMLDesc, virDomainBlockCommit, virDomainBlockCopy, virDomainBlockJobAbort,
    virDomainBlockJobSetSpeed, virDomainBlockPull, virDomainBlockRebase, virDomainGetBlockJobInfo,
};
pub use connect::{
    virConnectAuthPtrDefault, virConnectClose, virConnectGetCapabilities, virConnectGetHostname, virConnectGetLibVersion,
    virConnectGetMaxVcpus, virConnectGetType, virConnectGetURI, virConnectGetVersion, virConnectIsAlive, virConnectIsEncrypted,
    virConnectIsSecure, virConnectOpen, virConnectOpenAuth, virConnectOpenReadOnly, virConnectRef, virConnectRegisterCloseCallback,
    virConnectSetKeepAlive, virConnectUnregisterCloseCallback, virGetVersion, virInitialize,
};
pub use domain::{
    virDomainAttachDevice, virDomainAttachDeviceFlags, virDomainCreate, virDomainCreateLinux, virDomainCreateWithFlags, virDomainCreateXML,
    virDomainDefineXML, virDomainDefineXMLFlags, virDomainDestroy, virDomainDestroyFlags, virDomainDetachDevice,
    virDomainDetachDeviceAlias, virDomainDetachDeviceFlags, virDomainFree, virDomainGetAutostart, virDomainGetBlockInfo,
    virDomainGetConnect, virDomainGetID, virDomainGetInfo, virDomainGetMaxMemory, virDomainGetMaxVcpus, virDomainGetName,
    virDomainGetOSType, virDomainGetState, virDomainGetUUID, virDomainGetUUIDString, virDomainGetXMLDesc, virDomainIsActive,
    virDomainIsPersistent, virDomainIsUpdated, virDomainLookupByID, virDomainLookupByName, virDomainLookupByUUID,
    virDomainLookupByUUIDString, virDomainReboot, virDomainRef, virDomainReset, virDomainResume, virDomainShutdown, virDomainShutdownFlags,
    virDomainSuspend, virDomainUndefine, virDomainUndefineFlags,
};
pub use domainjob::{virDomainAbortJob, virDomainAbortJobFlags, virDomainGetJobInfo, virDomainGetJobStats};
pub use error::{
    virConnCopyLastError, virConnGetLastError, virConnResetLastError, virConnSetErrorFunc, virCopyLastError, virDefaultErrorFunc,
    virFreeError, virGetLastError, virGetLastErrorCode, virGetLastErrorDomain, virGetLastErrorMessage, virResetError, virResetLastError,
    virSaveLastError, virSetErrorFunc,
};
pub use event::{
    virConnectDomainEventDeregister, virConnectDomainEventDeregisterAny, virConnectDomainEventRegister, virConnectDomainEventRegisterAny,
};
pub use eventloop::{
    virEventAddHandle, virEventAddTimeout, virEventRegisterDefaultImpl, virEventRegisterImpl, virEventRemoveHandle, virEventRemoveTimeout,
    virEventRunDefaultImpl, virEventUpdateHandle, virEventUpdateTimeout,
};
pub use job::{
    virConnectListAllDomainJobs, virDomainJobControl, virDomainJobFree, virDomainJobGetXMLDesc, virDomainJobLastStarted, virDomainJobList,
    virDomainJobSetSpeed, virDomainJobWait,
};
pub use listing::{
    virConnectListAllDomains, virConnectListDefinedDomains, virConnectListDomains, virConnectNumOfDefinedDomains, virConnectNumOfDomains,
};
pub use migrate::{
    virDomainMigrate, virDomainMigrate2, virDomainMigrate3, virDomainMigrateGetMaxDowntime, virDomainMigrateGetMaxSpeed,
    virDomainMigrateSetMaxDowntime, virDomainMigrateSetMaxSpeed, virDomainMigrateStartPostCopy, virDomainMigrateToURI,
    virDomainMigrateToURI2, virDomainMigrateToURI3,
};
pub use save::{
    virDomainCoreDump, virDomainCoreDumpWithFormat, virDomainHasManagedSaveImage, virDomainManagedSave, virDomainManagedSaveRemove,
    virDomainRestore, virDomainRestoreFlags, virDomainRestoreParams, virDomainSave, virDomainSaveFlags, virDomainSaveImageDefineXML,
    virDomainSaveImageGetXMLDesc, virDomainSaveParams,
};
pub use snapshot::{
    virDomainHasCurrentSnapshot, virDomainListAllSnapshots, virDomainRevertToSnapshot, virDomainSnapshotCreateXML,
    virDomainSnapshotCurrent, virDomainSnapshotDelete, virDomainSnapshotFree, virDomainSnapshotGetConnect, virDomainSnapshotGetDomain,
    virDomainSnapshotGetName, virDomainSnapshotGetParent, virDomainSnapshotGetXMLDesc, virDomainSnapshotHasMetadata,
    virDomainSnapshotIsCurrent, virDomainSnapshotListAllChildren, virDomainSnapshotListChildrenNames, virDomainSnapshotListNames,
    virDomainSnapshotLookupByName, virDomainSnapshotNum, virDomainSnapshotNumChildren, virDomainSnapshotRef,
};
pub use typedparam::{
    virTypedParamsAddBoolean, virTypedParamsAddDouble, virTypedParamsAddFromString, virTypedParamsAddInt, virTypedParamsAddLLong,
    virTypedParamsAddString, virTypedParamsAddStringList, virTypedParamsAddUInt, virTypedParamsAddULLong, virTypedParamsClear,
    virTypedParamsFree, virTypedParamsGet, virTypedParamsGetBoolean, virTypedParamsGetDouble, virTypedParamsGetInt, virTypedParamsGetLLong,
    virTypedParamsGetString, virTypedParamsGetUInt, virTypedParamsGetULLong,
};
