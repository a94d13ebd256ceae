//! The form of a mail without its values, a line for each thing: header fields and their folds, parts, and the elements of CMS
//! structures with their tags, kinds of length and object identifiers.

use smime::asn1::ber::{Element, Reader, Tag};
use smime::mime::transfer::{Strictness, TransferEncoding, decode_slice};

/// Fields whose values are form; of all others only the name is.
const STRUCTURAL: [&str; 4] = ["mime-version", "content-type", "content-transfer-encoding", "content-disposition"];

/// The form of a mail or of a part of one. Blank lines at its end, which transport adds, do not count.
pub fn of_mail(mail: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(mail);
    let lines: Vec<&str> = text.trim_end().split("\r\n").collect();
    let mut out = Vec::new();
    entity(&lines, 0, &mut out);
    out
}

/// The form of one structure in BER.
pub fn of_structure(bytes: &[u8]) -> Vec<String> {
    let mut out = Vec::new();
    element(&Reader::single(bytes, "structure").unwrap(), 0, &mut out);
    out
}

/// What must go from `theirs` ("-") and come into `ours` ("+") to make the one of the other.
pub fn differences(theirs: &[String], ours: &[String]) -> Vec<String> {
    // Lengths of the longest common subsequences of what is left.
    let mut common = vec![vec![0_usize; ours.len() + 1]; theirs.len() + 1];
    for i in (0..theirs.len()).rev() {
        for j in (0..ours.len()).rev() {
            common[i][j] = match theirs[i] == ours[j] {
                true => common[i + 1][j + 1] + 1,
                false => common[i + 1][j].max(common[i][j + 1]),
            };
        }
    }
    let (mut i, mut j, mut out) = (0, 0, Vec::new());
    while i < theirs.len() || j < ours.len() {
        if i < theirs.len() && j < ours.len() && theirs[i] == ours[j] {
            (i, j) = (i + 1, j + 1);
        } else if j == ours.len() || (i < theirs.len() && common[i + 1][j] >= common[i][j + 1]) {
            out.push(format!("- {}", theirs[i].trim_start()));
            i += 1;
        } else {
            out.push(format!("+ {}", ours[j].trim_start()));
            j += 1;
        }
    }
    out
}

/// A boundary with its digits taken out: "----=_NextPart_000_HHHH_HHHHHHHH.HHHHHHHH".
pub fn boundary_form(boundary: &str) -> String {
    let (head, tail) = boundary.split_at("----=_NextPart_000_".len().min(boundary.len()));
    let digit = |c: char| if matches!(c, '0'..='9' | 'A'..='F') { 'H' } else { c };
    format!("{head}{}", tail.chars().map(digit).collect::<String>())
}

fn entity(lines: &[&str], depth: usize, out: &mut Vec<String>) {
    let indent = "  ".repeat(depth);
    let blank = lines.iter().position(|line| line.is_empty()).unwrap_or(lines.len());
    let (header, body) = (&lines[..blank], lines.get(blank + 1..).unwrap_or_default());
    let mut whole = String::new();
    let mut structural = false;
    for line in header {
        if !line.starts_with([' ', '\t']) {
            let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
            structural = STRUCTURAL.contains(&name.as_str());
            if !structural {
                out.push(format!("{indent}{}: ..", line.split(':').next().unwrap_or_default()));
            }
        }
        if structural {
            whole.push_str(line);
            out.push(format!("{indent}{}", with_forms(line)));
        }
    }
    let boundary = whole.split("boundary=\"").nth(1).and_then(|rest| rest.split('"').next());
    match boundary {
        Some(boundary) => multipart(body, boundary, depth, out),
        None if whole.contains("pkcs7-") => match base64(body) {
            Some(bytes) => element(&Reader::single(&bytes, "structure").unwrap(), depth + 1, out),
            None => out.push(format!("{indent}no structure")),
        },
        None => out.push(format!("{indent}body")),
    }
}

fn multipart(body: &[&str], boundary: &str, depth: usize, out: &mut Vec<String>) {
    let indent = "  ".repeat(depth);
    let (delimiter, last) = (format!("--{boundary}"), format!("--{boundary}--"));
    let mut part: Option<Vec<&str>> = None;
    let mut ended = false;
    for line in body {
        if *line == delimiter || *line == last {
            if let Some(mut lines) = part.take() {
                // The line end before a delimiter belongs to it, and what else is blank there to the part.
                let blanks = lines.iter().rev().take_while(|line| line.is_empty()).count();
                lines.truncate(lines.len() - blanks);
                entity(&lines, depth + 1, out);
                out.push(format!("{indent}{blanks} blank lines"));
            }
            ended = *line == last;
            part = (!ended).then(Vec::new);
            out.push(format!("{indent}{}", with_forms(line)));
        } else if let Some(lines) = &mut part {
            lines.push(line);
        } else {
            out.push(format!("{indent}{}: {line}", if ended { "epilogue" } else { "preamble" }));
        }
    }
}

fn with_forms(line: &str) -> String {
    match line.find("----=_NextPart_") {
        Some(at) => {
            let (before, boundary) = line.split_at(at);
            format!("{before}{}", boundary_form(boundary))
        }
        None => line.to_owned(),
    }
}

/// The bytes, where the body is base64; its lines must be full.
fn base64(body: &[&str]) -> Option<Vec<u8>> {
    let lines: Vec<&str> = body.iter().copied().filter(|line| !line.is_empty()).collect();
    let full = lines.iter().rev().skip(1).all(|line| line.len() == 76);
    let bytes = decode_slice(lines.join("\r\n").as_bytes(), TransferEncoding::Base64, Strictness::Strict).ok()?;
    (full && bytes.first() == Some(&0x30)).then_some(bytes)
}

fn element(element_: &Element<'_>, depth: usize, out: &mut Vec<String>) {
    let indent = "  ".repeat(depth);
    let length = if element_.raw()[1] == 0x80 { " indefinite" } else { "" };
    if !element_.constructed {
        out.push(format!("{indent}{}{}", element_.tag, primitive(element_)));
        return;
    }
    let mut children = Vec::new();
    let mut reader = element_.children("children").unwrap();
    while let Some(child) = reader.next_element().unwrap() {
        children.push(child);
    }
    let string = element_.tag == Tag::OCTET_STRING || element_.tag == Tag::context(0);
    let segments =
        string && !length.is_empty() && children.iter().all(|c| c.tag == Tag::OCTET_STRING && !c.constructed);
    if segments && !children.is_empty() {
        let longest = children.iter().map(|c| c.content().len()).max().unwrap_or_default();
        let size = if children.len() > 1 { format!(" of at most {longest} octets") } else { String::new() };
        out.push(format!("{indent}{}{length}, in segments{size}", element_.tag));
        return;
    }
    out.push(format!("{indent}{}{length}", element_.tag));
    children.iter().for_each(|child| element(child, depth + 1, out));
}

/// What of a primitive element is form: identifiers, and numbers so small that they are versions or lengths.
fn primitive(element: &Element<'_>) -> String {
    match element.tag {
        Tag::OID => format!(" {}", element.oid("identifier").unwrap()),
        Tag::INTEGER if element.content().len() <= 2 => format!(" {}", element.small("number").unwrap()),
        _ => String::new(),
    }
}
