//! Names for files, made from names that somebody else chose: a part's filename parameter, a certificate's common name
//! (SEC-103).

use super::reason::is_unprintable;

/// Bytes of a name at the most: file systems end at 255, some in UTF-16, some encrypted ones at 143.
const LONGEST: usize = 120;
/// Bytes of an extension, its dot included, that survives when a name is cut.
const LONGEST_EXTENSION: usize = 17;

/// What `foreign` may be called in any folder of any file system: one name, no path.
///
/// Of a path its last component is left, whichever separator it has. Control and bidirectional characters are left
/// out, what Windows reserves becomes `_`, blanks and dots at both ends go, and a name of a device (`CON`, `com1.txt`)
/// begins with `_`. A long name is cut to 120 bytes before its extension; what nothing is left of is `unnamed`. A safe
/// name stays as it is. Whether a file of this name is there already is for the caller to find out.
///
/// ```
/// use smime::base::file_name::safe_file_name;
/// assert_eq!(safe_file_name("../../etc/passwd"), "passwd");
/// assert_eq!(safe_file_name("invoice\u{202e}fdp.exe"), "invoicefdp.exe");
/// assert_eq!(safe_file_name("nul.txt"), "_nul.txt");
/// ```
pub fn safe_file_name(foreign: &str) -> String {
    let last = foreign.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last.chars().filter(|c| !is_unprintable(*c)).map(harmless).collect();
    let name = kept.trim_matches(is_edge);
    if name.is_empty() {
        return "unnamed".to_owned();
    }
    let name = if is_device(name) { format!("_{name}") } else { name.to_owned() };
    shortened(&name)
}

/// The colon names drives and streams, the others are wildcards and redirections.
fn harmless(c: char) -> char {
    if matches!(c, ':' | '*' | '?' | '"' | '<' | '>' | '|') { '_' } else { c }
}

fn is_edge(c: char) -> bool {
    c == '.' || c.is_whitespace()
}

/// Windows takes these for devices in every folder, whatever extension follows.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim().to_ascii_uppercase();
    match stem.as_str() {
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" | "CLOCK$" => true,
        _ => ["COM", "LPT"].iter().filter_map(|port| stem.strip_prefix(port)).any(is_port),
    }
}

/// A digit, or one of the three of Latin-1 that Windows takes for one.
fn is_port(number: &str) -> bool {
    let mut characters = number.chars();
    let digit = characters.next().is_some_and(|c| c.is_ascii_digit() || matches!(c, '¹' | '²' | '³'));
    digit && characters.next().is_none()
}

fn shortened(name: &str) -> String {
    if name.len() <= LONGEST {
        return name.to_owned();
    }
    let extension = name.rfind('.').and_then(|dot| name.get(dot..)).filter(|e| e.len() <= LONGEST_EXTENSION);
    let extension = extension.unwrap_or_default();
    let stem = name.get(..name.floor_char_boundary(LONGEST - extension.len())).unwrap_or_default();
    format!("{}{extension}", stem.trim_end_matches(is_edge))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sec_103_foreign_names_become_one_harmless_name() {
        for (foreign, safe) in [
            ("offer.pdf", "offer.pdf"),
            ("Angebot für Müller.pdf", "Angebot für Müller.pdf"),
            ("../../etc/passwd", "passwd"),
            ("..\\..\\Windows\\win.ini", "win.ini"),
            ("/", "unnamed"),
            ("a/", "unnamed"),
            ("..", "unnamed"),
            ("", "unnamed"),
            (" . . ", "unnamed"),
            (".bashrc", "bashrc"),
            ("mail.txt. . ", "mail.txt"),
            ("a\0b\x1b[31m\u{85}.txt", "ab[31m.txt"),
            ("txt.\u{202e}exe\u{2066}\u{61c}", "txt.exe"),
            ("C:evil.exe", "C_evil.exe"),
            ("file.txt:stream", "file.txt_stream"),
            ("CON", "_CON"),
            ("con.txt", "_con.txt"),
            ("NUL .tar.gz", "_NUL .tar.gz"),
            ("Com1", "_Com1"),
            ("LPT².x", "_LPT².x"),
            ("\u{200b}AUX", "_AUX"),
            ("COM10", "COM10"),
            ("contract", "contract"),
        ] {
            assert_eq!(safe_file_name(foreign), safe, "{foreign:?}");
        }
    }

    #[test]
    fn sec_103_long_names_keep_their_extension() {
        let long = safe_file_name(&format!("{}.pdf", "ä".repeat(500)));
        assert_eq!(long, format!("{}.pdf", "ä".repeat(58)));
        assert_eq!(safe_file_name(&"x".repeat(121)).len(), 120);
        assert_eq!(safe_file_name(&format!("a.{}", "x".repeat(1 << 20))).len(), 120);
        assert_eq!(safe_file_name(&format!("a{}b.pdf", " .".repeat(200))), "a.pdf");
    }

    proptest! {
        #[test]
        fn sec_103_any_text_gives_a_safe_name_that_stays(text in "(\\PC|[./\\\\ :]|CON|nul|com1|\u{202e}|\u{0}|[a-z]){0,200}") {
            let name = safe_file_name(&text);
            prop_assert!(!name.is_empty() && name.len() <= LONGEST);
            prop_assert!(!name.contains(|c: char| matches!(c, '/' | '\\' | ':') || is_unprintable(c)), "{name:?}");
            prop_assert!(!name.starts_with(is_edge) && !name.ends_with(is_edge) && !is_device(&name), "{name:?}");
            prop_assert_eq!(safe_file_name(&name), name);
        }
    }
}
