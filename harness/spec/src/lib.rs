//! Facts of the BC66 and BC66-NA, and nothing else: names, numbers and timings that the vendor's documents state.
//!
//! Both the harness and the simulated module are built on this crate, and it is the only thing they share. So it must
//! hold no decision and no parser: constants, and conversions between a code and its name. A misreading here would pass
//! unseen on both sides, which is why `tests/golden.rs` compares every item with literal bytes.
//!
//! Sources are cited by section: **AN** is Quectel's *BC66&BC66-NA DFOTA Application Note*, V2.0, 2020-03-31.
//! **FW** are the printable strings of the firmware BC66NBR01A10, **MTK** is MediaTek's FOTA interface header
//! (`api_fota.h`), **GK** and **AL** are third-party drivers and guides for the BC66, **HW26** is the hardware design of
//! the sibling BC26.
#![no_std]

pub mod boot;
pub mod cme;
pub mod code;
mod codes;
pub mod command;
pub mod crc;
pub mod lwm2m;
pub mod module;
pub mod qfotadl;
pub mod qfuplex;
pub mod timing;
pub mod urc;
