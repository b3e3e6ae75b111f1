//! `gaugelink device`.

use crate::bench::parse_volume;
use crate::cli::{DeviceTestArgs, DeviceTextArgs};
use crate::device::{Comparison, check, texts};
use crate::error::DriverError;
use crate::report::Report;
use gaugelink_device::{HostDevice, KernelText};
use serde_json::json;

/// Prints the text of kernels, or writes each into a file of a folder.
pub(crate) fn text(args: &DeviceTextArgs, report: &mut Report) -> Result<(), DriverError> {
    let mut texts = texts();
    let known = texts.iter().map(|text| text.name.clone()).collect::<Vec<_>>().join(", ");
    if let Some(name) = &args.name {
        texts.retain(|text| text.name == *name);
        if texts.is_empty() {
            return Err(DriverError::Request(format!(
                "device text {name}: there is no such kernel; give one of {known}"
            )));
        }
    }
    match &args.folder {
        Some(folder) => {
            let failed = |action, path: &std::path::Path, source| DriverError::Io {
                action,
                path: path.to_owned(),
                source,
            };
            std::fs::create_dir_all(folder).map_err(|source| failed("make the folder", folder, source))?;
            for text in &texts {
                let path = folder.join(format!("{}.cpp", text.name));
                std::fs::write(&path, text.source()).map_err(|source| failed("write", &path, source))?;
                tell(text, report)?;
            }
        }
        None if args.name.is_some() => {
            texts.iter().try_for_each(|text| report.text(text.source().trim_end()))?
        }
        None => texts.iter().try_for_each(|text| tell(text, report))?,
    }
    Ok(())
}

fn tell(text: &KernelText, report: &mut Report) -> Result<(), DriverError> {
    let lines = text.source().lines().count();
    let fields: Vec<_> = text.fields.iter().map(|f| f.name).collect();
    report.text(&format!(
        "{:<28} {lines:>6} lines   fields {}   parameters {}",
        text.name,
        fields.join(" "),
        text.parameters.join(" ")
    ))?;
    report.record(&json!({ "name": text.name, "bits": text.bits, "lines": lines, "fields": fields, "parameters": text.parameters }))
}

/// Runs every kernel without a device and compares it with the library, bit by bit.
pub(crate) fn test(args: &DeviceTestArgs, report: &mut Report) -> Result<(), DriverError> {
    let extents = parse_volume(&args.volume)?;
    let device = HostDevice::default();
    let mut wrong = Vec::new();
    let mut each = |comparison: Comparison| {
        let Comparison { name, numbers, different, largest } = comparison;
        let verdict = if different == 0 {
            "the same bits".into()
        } else {
            format!("{different} differ, by up to {largest:.1e}")
        };
        report.text(&format!("{name:<28} {numbers:>8} numbers: {verdict}"))?;
        report.record(
            &json!({ "name": name, "numbers": numbers, "different": different, "largest": largest }),
        )?;
        if different > 0 {
            wrong.push(name);
        }
        Ok(())
    };
    check::<f64, 1>(&device, &extents, &mut each)?;
    check::<f64, 2>(&device, &extents, &mut each)?;
    check::<f64, 3>(&device, &extents, &mut each)?;
    check::<f32, 1>(&device, &extents, &mut each)?;
    check::<f32, 2>(&device, &extents, &mut each)?;
    check::<f32, 3>(&device, &extents, &mut each)?;
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(DriverError::Input(format!("device test: {} differ from the library", wrong.join(", "))))
    }
}
