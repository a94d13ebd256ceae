//! Settings as PowerShell prints and takes them: the `Name : Value` lines of `Get-... | Format-List`, and the parameters
//! of a `Set-...` command (OUT-84). Nothing is evaluated.

use super::value::{Fault, Result, Setting, Value};

/// Parameters of every command that need no value and set nothing.
const SWITCHES: &[&str] = &["Confirm", "Debug", "Force", "Verbose", "WhatIf"];

/// The lines of Format-List. A line that is indented goes on with the one before it.
///
/// # Errors
/// [`Fault::Malformed`] for a line without a name.
pub fn format_list(text: &str) -> Result<Vec<Setting>> {
    let mut settings: Vec<Setting> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let place = format!("line {}", number + 1);
        if line.trim().is_empty() {
            continue;
        }
        if line.starts_with([' ', '\t'])
            && let Some(Setting { value: Value::Text(value), .. }) = settings.last_mut()
        {
            value.push_str(line.trim());
            continue;
        }
        match line.split_once(':') {
            Some((name, value)) if is_name(name.trim()) => {
                settings.push(Setting { key: name.trim().to_owned(), value: text_or_null(value.trim()), place });
            }
            _ => return Err(Fault::malformed("the list", place, "a line is no \"Name : Value\"").into()),
        }
    }
    Ok(settings)
}

/// The parameters of the commands of that name: `-Name value` and `-Name:value`. A backtick goes on in the next line, `#`
/// begins a comment, and quotes hold what has blanks or semicolons.
///
/// # Errors
/// [`Fault::Malformed`] where a parameter has no value, a quote does not end, or another command stands in the text.
pub fn parameters(text: &str, command: &str) -> Result<Vec<Setting>> {
    let mut settings = Vec::new();
    let mut words = words(text)?.into_iter().peekable();
    while let Some(word) = words.next() {
        let place = || format!("line {}", word.line);
        let malformed = |why: String| Fault::malformed("the command", place(), why);
        if word.text.eq_ignore_ascii_case(command) && word.kind == WordKind::Plain || word.kind == WordKind::Separator {
            continue;
        }
        let Some(name) = word.text.strip_prefix('-').filter(|_| word.kind == WordKind::Plain) else {
            return Err(malformed(format!("\"{}\" is neither {command} nor a parameter", word.text)).into());
        };
        let (name, attached) = match name.split_once(':') {
            Some((name, value)) => (name, Some(value).filter(|value| !value.is_empty())),
            None => (name, None),
        };
        if !is_name(name) {
            return Err(malformed(format!("\"{}\" is no parameter", word.text)).into());
        }
        let value = match attached {
            Some(value) => text_or_null(value),
            None => {
                let is_value = |next: &Word| {
                    let parameter = next.text.strip_prefix('-').is_some_and(|name| !name.starts_with(char::is_numeric));
                    next.kind == WordKind::Quoted || (next.kind == WordKind::Plain && !parameter)
                };
                match words.next_if(is_value) {
                    Some(next) if next.kind == WordKind::Quoted => Value::Text(next.text),
                    Some(next) => text_or_null(&next.text),
                    None if is_switch(name) => Value::Null,
                    None => return Err(malformed(format!("-{name} has no value")).into()),
                }
            }
        };
        if !is_switch(name) {
            settings.push(Setting { key: name.to_owned(), value, place: place() });
        }
    }
    Ok(settings)
}

fn is_switch(name: &str) -> bool {
    SWITCHES.iter().any(|switch| switch.eq_ignore_ascii_case(name))
}

fn text_or_null(text: &str) -> Value {
    if text.is_empty() || text.eq_ignore_ascii_case("$null") { Value::Null } else { Value::Text(text.to_owned()) }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum WordKind {
    Plain,
    Quoted,
    /// A line end or a semicolon: a command is over.
    Separator,
}

struct Word {
    text: String,
    kind: WordKind,
    line: usize,
}

fn words(text: &str) -> Result<Vec<Word>> {
    let mut words = Vec::new();
    let mut line = 1;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let begin = line;
        let mut word = Word { text: String::new(), kind: WordKind::Plain, line };
        match c {
            '\n' | ';' => {
                line += usize::from(c == '\n');
                word.kind = WordKind::Separator;
            }
            '`' => {
                // What follows on the same line is blank, or the command would not go on.
                while chars.next_if(|c| matches!(c, ' ' | '\t' | '\r')).is_some() {}
                if chars.next_if_eq(&'\n').is_none() {
                    return Err(Fault::malformed("the command", format!("line {line}"), "a stray backtick").into());
                }
                line += 1;
                continue;
            }
            '#' => {
                while chars.next_if(|c| *c != '\n').is_some() {}
                continue;
            }
            c if c.is_whitespace() => continue,
            quote @ ('\'' | '"') => {
                word.kind = WordKind::Quoted;
                loop {
                    match chars.next() {
                        // A quote twice is the quote itself.
                        Some(c) if c == quote => match chars.next_if_eq(&quote) {
                            Some(c) => word.text.push(c),
                            None => break,
                        },
                        Some(c) => {
                            line += usize::from(c == '\n');
                            word.text.push(c);
                        }
                        None => {
                            let place = format!("line {begin}");
                            return Err(Fault::malformed("the command", place, "a quote does not end").into());
                        }
                    }
                }
            }
            c => {
                word.text.push(c);
                // An expression in parentheses is one word, which is not evaluated.
                let mut depth = usize::from(c == '(');
                let more = |c: char, depth: usize| depth > 0 || !(c.is_whitespace() || matches!(c, ';' | '`'));
                while let Some(c) = chars.next_if(|c| more(*c, depth)) {
                    depth = match c {
                        '(' => depth + 1,
                        ')' => depth.saturating_sub(1),
                        _ => depth,
                    };
                    line += usize::from(c == '\n');
                    word.text.push(c);
                }
            }
        }
        words.push(word);
    }
    Ok(words)
}
