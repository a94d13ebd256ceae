//! .msg files made here, as [MS-OXMSG] has them: the smallest that says what a test wants to say.

#![allow(dead_code, unreachable_pub)]

use cfb::{CompoundFile, Version};
use std::io::{Cursor, Read, Seek, Write};

/// A message to be.
#[derive(Clone)]
pub struct Maker {
    pub version: Version,
    /// Texts by property identifier, in UTF-16.
    pub texts: Vec<(u16, String)>,
    /// Streams as they are: path and bytes.
    pub streams: Vec<(String, Vec<u8>)>,
    /// PidTagClientSubmitTime.
    pub sent: u64,
    pub recipients: Vec<(u32, &'static str, &'static str)>,
    /// Name, PidTagAttachMethod, and bytes where there are any.
    pub attachments: Vec<(&'static str, u32, Option<Vec<u8>>)>,
}

impl Maker {
    /// With a class, from Alice to Bob, without a header of its own.
    pub fn new(class: &str) -> Self {
        let texts = [(0x001a, class), (0x0037, "Greetings"), (0x5d02, "alice@example.com"), (0x0042, "Alice")];
        Self {
            version: Version::V3,
            texts: texts.map(|(id, text)| (id, text.to_owned())).to_vec(),
            streams: Vec::new(),
            // 2026-11-24T08:00:00Z
            sent: (1_795_507_200 + 11_644_473_600) * 10_000_000,
            recipients: vec![(1, "Bob", "bob@example.com")],
            attachments: Vec::new(),
        }
    }

    /// With one attachment.
    pub fn holding(class: &str, bytes: &[u8]) -> Self {
        Self { attachments: vec![("smime.p7m", 1, Some(bytes.to_vec()))], ..Self::new(class) }
    }

    /// With a text instead of the one that is there; `None` takes it away.
    pub fn text(mut self, id: u16, text: Option<&str>) -> Self {
        self.texts.retain(|(other, _)| *other != id);
        self.texts.extend(text.map(|text| (id, text.to_owned())));
        self
    }

    pub fn stream(mut self, path: &str, bytes: &[u8]) -> Self {
        self.streams.push((path.to_owned(), bytes.to_vec()));
        self
    }

    /// With the header as it was received.
    pub fn received(self, header: &str) -> Self {
        self.text(0x007d, Some(header))
    }

    /// With the named property Content-Type of PS_INTERNET_HEADERS.
    pub fn content_type(self, value: &str) -> Self {
        let set = [0x86, 3, 2, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46];
        let name = utf16("Content-Type");
        let names = [(name.len() as u32).to_le_bytes().to_vec(), name].concat();
        // A name, in the first listed set, as property 0x8000.
        let entry = [0_u32.to_le_bytes(), (3_u32 << 1 | 1).to_le_bytes()].concat();
        self.stream("/__nameid_version1.0/__substg1.0_00020102", &set)
            .stream("/__nameid_version1.0/__substg1.0_00030102", &entry)
            .stream("/__nameid_version1.0/__substg1.0_00040102", &names)
            .stream("/__substg1.0_8000001F", &utf16(value))
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.write_to(Cursor::new(Vec::new()), std::io::empty()).into_inner()
    }

    /// Writes the file; `rest` goes to the end of the last attachment.
    pub fn write_to<F: Read + Write + Seek>(&self, out: F, mut rest: impl Read) -> F {
        let mut file = CompoundFile::create_with_version(self.version, out).unwrap();
        let mut put = |path: &str, bytes: &[u8]| {
            let folder = path.rsplit_once('/').map(|(folder, _)| folder).unwrap_or_default();
            if !folder.is_empty() && !file.exists(folder) {
                file.create_storage(folder).unwrap();
            }
            file.create_stream(path).unwrap().write_all(bytes).unwrap();
        };
        let mut properties = vec![0; 32];
        properties.extend(fixed(0x0039_0040, self.sent));
        put("/__properties_version1.0", &properties);
        for (id, text) in &self.texts {
            put(&format!("/__substg1.0_{id:04X}001F"), &utf16(text));
        }
        for (n, (kind, name, address)) in self.recipients.iter().enumerate() {
            let folder = format!("/__recip_version1.0_#{n:08X}");
            let properties = [vec![0; 8], fixed(0x0c15_0003, u64::from(*kind))].concat();
            put(&format!("{folder}/__properties_version1.0"), &properties);
            put(&format!("{folder}/__substg1.0_3001001F"), &utf16(name));
            put(&format!("{folder}/__substg1.0_39FE001F"), &utf16(address));
        }
        for (n, (name, method, bytes)) in self.attachments.iter().enumerate() {
            let folder = format!("/__attach_version1.0_#{n:08X}");
            let properties = [vec![0; 8], fixed(0x3705_0003, u64::from(*method))].concat();
            put(&format!("{folder}/__properties_version1.0"), &properties);
            put(&format!("{folder}/__substg1.0_3707001F"), &utf16(name));
            if let Some(bytes) = bytes {
                put(&format!("{folder}/__substg1.0_37010102"), bytes);
            }
        }
        for (path, bytes) in &self.streams {
            put(path, bytes);
        }
        if let Some(last) = self.attachments.len().checked_sub(1) {
            let path = format!("/__attach_version1.0_#{last:08X}/__substg1.0_37010102");
            if file.is_stream(&path) {
                let mut stream = file.open_stream(&path).unwrap();
                stream.seek(std::io::SeekFrom::End(0)).unwrap();
                std::io::copy(&mut rest, &mut stream).unwrap();
                stream.flush().unwrap();
            }
        }
        file.flush().unwrap();
        file.into_inner()
    }
}

pub fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn fixed(tag: u32, value: u64) -> Vec<u8> {
    [tag.to_le_bytes().to_vec(), 6_u32.to_le_bytes().to_vec(), value.to_le_bytes().to_vec()].concat()
}
