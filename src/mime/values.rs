//! Header values by mail-parser.
