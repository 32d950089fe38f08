//! The C types of the interface, under the names that C knows them by; enums that C passes in are plain numbers here.

pub use super::abi::block::{virDomainBlockJobCursor, virDomainBlockJobInfo, virDomainBlockJobInfoPtr};
pub use super::abi::common::virFreeCallback;
pub use super::abi::domain::{virDomain, virDomainBlockInfo, virDomainBlockInfoPtr, virDomainInfo, virDomainInfoPtr, virDomainPtr};
pub use super::abi::domain_event::{
    virConnectDomainEventBlockJobCallback, virConnectDomainEventCallback, virConnectDomainEventGenericCallback,
    virConnectDomainEventJobCompletedCallback, virConnectDomainEventMigrationIterationCallback,
};
pub use super::abi::domain_job::{virDomainJobInfo, virDomainJobInfoPtr};
pub use super::abi::error::{virError, virErrorFunc, virErrorPtr, virNetwork, virNetworkPtr};
pub use super::abi::eventloop::{
    virEventAddHandleFunc, virEventAddTimeoutFunc, virEventHandleCallback, virEventRemoveHandleFunc, virEventRemoveTimeoutFunc,
    virEventTimeoutCallback, virEventUpdateHandleFunc, virEventUpdateTimeoutFunc,
};
pub use super::abi::host::{
    virConnect, virConnectAuth, virConnectAuthCallbackPtr, virConnectAuthPtr, virConnectCloseFunc, virConnectCredential,
    virConnectCredentialPtr, virConnectPtr,
};
pub use super::abi::number::{virDomainJobControlOperation, virDomainJobState, virDomainJobType, virErrorLevel};
pub use super::abi::proposal::{virConnectDomainEventJobStateCallback, virDomainJob, virDomainJobPtr};
pub use super::abi::snapshot::{virDomainSnapshot, virDomainSnapshotPtr};
pub use super::abi::typed::{_virTypedParameterValue, virTypedParameter, virTypedParameterPtr, VIR_TYPED_PARAM_FIELD_LENGTH};
