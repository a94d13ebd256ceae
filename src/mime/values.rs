//! Header values by mail-parser.
pub(super) fn decode_charset(name: &str, bytes: &[u8]) -> Option<String> {
    mail_parser::decoders::charsets::map::charset_decoder(name.as_bytes()).map(|decode| decode(bytes))
}
