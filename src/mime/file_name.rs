//! What a part is called.

use super::content_type::ContentType;
use super::entity::Entity;
use super::values::decode_text;

impl Entity {
    /// Its Content-Disposition, where it has one that can be read.
    pub fn disposition(&self) -> Option<ContentType> {
        let field = self.header.all("content-disposition").next()?;
        ContentType::parse_disposition(field.value, field.offset).ok()
    }

    /// Its file name: that of the Content-Disposition, else the name of the Content-Type. Encoded words are decoded, which
    /// have no place there (RFC 2047 section 5) and which mail programs write all the same. It is somebody else's choice:
    /// see [`safe_file_name`](crate::base::file_name::safe_file_name).
    pub fn file_name(&self) -> Option<String> {
        let disposition = self.disposition();
        let named = disposition.as_ref().and_then(|disposition| disposition.parameter("filename"));
        let name = named.or_else(|| self.content_type.as_ref().ok()?.parameter("name"))?;
        Some(if name.contains("=?") { decode_text(name.as_bytes()) } else { name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use crate::base::limits::Limits;
    use crate::base::source::Memory;
    use crate::mime::entity::scan;

    #[test]
    fn a_name_is_found_wherever_programs_write_it() {
        for (header, name) in [
            ("Content-Disposition: attachment; filename=\"a b.p12\"", Some("a b.p12")),
            ("Content-Disposition: attachment; filename*=utf-8''%C3%BC.p12", Some("ü.p12")),
            ("Content-Disposition: attachment; filename=\"=?utf-8?B?w7wucDEy?=\"", Some("ü.p12")),
            ("Content-Type: application/octet-stream; name=a.pfx", Some("a.pfx")),
            ("Content-Type: application/x-y; name=a.pfx\r\nContent-Disposition: inline; filename=b.pfx", Some("b.pfx")),
            ("Content-Disposition: attachment", None),
            ("Subject: x", None),
        ] {
            let mail = format!("{header}\r\n\r\nx");
            let entity = scan(&Memory::borrowed(mail.as_bytes()), &Limits::default()).unwrap();
            assert_eq!(entity.file_name().as_deref(), name, "{header}");
        }
    }
}
