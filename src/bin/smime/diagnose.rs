//! A diagnosis in words and in JSON (version 1; keys may be added, none goes).

use crate::render;
use serde_json::{Value, json};
use smime::open::doctor::{Ailment, ClientTrouble, Diagnosis};
use std::fmt::Write;

pub(crate) fn to_words(diagnosis: &Diagnosis) -> String {
    let mut text = String::new();
    if diagnosis.nothing_wrong() {
        text.push_str("Nothing wrong was found.\n");
        if diagnosis.report.as_ref().is_some_and(|report| report.layers.is_empty()) {
            text.push_str("The message is neither signed nor encrypted.\n");
        }
    } else {
        let _ = writeln!(text, "{} thing(s) wrong:", diagnosis.ailments.len());
    }
    for Ailment { reason, remedy } in &diagnosis.ailments {
        let _ = writeln!(text, "  - {reason} [{}]", reason.code);
        if let Some(remedy) = remedy {
            let _ = writeln!(text, "    Try: {remedy}.");
        }
    }
    if !diagnosis.deviations.is_empty() {
        text.push_str("Out of the ordinary, and no harm here:\n");
        for reason in &diagnosis.deviations {
            let _ = writeln!(text, "  - {reason} [{}]", reason.code);
        }
    }
    if !diagnosis.clients.is_empty() {
        text.push_str("Who will not do with it what they should:\n");
        for ClientTrouble { client, trouble, source } in &diagnosis.clients {
            let _ = writeln!(text, "  - {client}: {trouble} ({source})");
        }
    }
    text
}

pub(crate) fn to_json(diagnosis: &Diagnosis) -> String {
    let ailments = diagnosis
        .ailments
        .iter()
        .map(|Ailment { reason, remedy }| json!({ "code": reason.code, "text": reason.text, "remedy": remedy }));
    let clients = diagnosis.clients.iter().map(
        |ClientTrouble { client, trouble, source }| json!({ "client": client, "trouble": trouble, "source": source }),
    );
    let value = json!({
        "version": 1,
        "nothing_wrong": diagnosis.nothing_wrong(),
        "ailments": ailments.collect::<Vec<Value>>(),
        "deviations": render::reasons(&diagnosis.deviations),
        "clients": clients.collect::<Vec<Value>>(),
    });
    format!("{value:#}\n")
}
