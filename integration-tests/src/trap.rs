//! A copy of the filter module that traps on demand.
//!
//! Nothing in the shipped module traps, and nothing is compiled for this: the code of one exported callback is
//! overwritten with `unreachable`. What is read here is in the WebAssembly core specification, chapter 5 (binary format).

use std::path::{Path, PathBuf};

/// The callback for trailers of a request. Clients of chat APIs send none, so only a request that does traps.
const REQUEST_TRAILERS: &[u8] = b"proxy_on_request_trailers";
/// The callback for answers to what the filter asks itself, as the monitor does with its probes.
const CALL_ANSWERS: &[u8] = b"proxy_on_http_call_response";

const IMPORTS: u8 = 2;
const EXPORTS: u8 = 7;
const CODE: u8 = 10;
/// Kind of an import or export.
const FUNCTION: u8 = 0;

const UNREACHABLE: u8 = 0x00;
const NOP: u8 = 0x01;
const END: u8 = 0x0b;

/// Writes a module into `folder` that is `module` but for its trap.
///
/// # Panics
/// `module` cannot be read, or is not what the compiler makes today.
pub fn module_that_traps_on_request_trailers(module: &Path, folder: &Path) -> PathBuf {
    module_that_traps_on(REQUEST_TRAILERS, module, folder)
}

/// The same where an answer comes to what the filter has asked.
///
/// # Panics
/// `module` cannot be read, or is not what the compiler makes today.
pub fn module_that_traps_on_call_answers(module: &Path, folder: &Path) -> PathBuf {
    module_that_traps_on(CALL_ANSWERS, module, folder)
}

fn module_that_traps_on(callback: &[u8], module: &Path, folder: &Path) -> PathBuf {
    let mut bytes = std::fs::read(module).expect("the filter module");
    let (start, length) = code_of(&bytes, callback);
    let code = bytes.get_mut(start..start + length).expect("its code");
    code.fill(NOP);
    if let [locals, first, .., last] = code {
        // What follows `unreachable` is valid whatever the function returns.
        (*locals, *first, *last) = (0, UNREACHABLE, END);
    }
    let path = folder.join("traps.wasm");
    std::fs::write(&path, bytes).expect("the module is written");
    path
}

/// Position and length of an exported function's code.
fn code_of(module: &[u8], export: &[u8]) -> (usize, usize) {
    let index = exported_function(&mut section(module, EXPORTS), export);
    let imported = imported_functions(&mut section(module, IMPORTS));
    let mut code = section(module, CODE);
    code.number();
    for _ in imported..index {
        let length = code.number();
        code.at += length;
    }
    let length = code.number();
    (code.at, length)
}

/// A reader at the content of the section with this id.
fn section(module: &[u8], id: u8) -> Reader<'_> {
    // After magic and version.
    let mut reader = Reader { module, at: 8 };
    loop {
        let found = reader.byte();
        let length = reader.number();
        if found == id {
            return reader;
        }
        reader.at += length;
    }
}

fn imported_functions(imports: &mut Reader<'_>) -> usize {
    let count = imports.number();
    for _ in 0..count {
        imports.name();
        imports.name();
        assert_eq!(
            imports.byte(),
            FUNCTION,
            "the filter imports functions only"
        );
        imports.number();
    }
    count
}

fn exported_function(exports: &mut Reader<'_>, wanted: &[u8]) -> usize {
    for _ in 0..exports.number() {
        let name = exports.name();
        let kind = exports.byte();
        let index = exports.number();
        if kind == FUNCTION && name == wanted {
            return index;
        }
    }
    panic!(
        "the module does not export {}",
        String::from_utf8_lossy(wanted)
    );
}

struct Reader<'a> {
    module: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn byte(&mut self) -> u8 {
        let byte = *self.module.get(self.at).expect("the module goes on");
        self.at += 1;
        byte
    }

    /// An unsigned LEB128 number.
    fn number(&mut self) -> usize {
        let mut number = 0;
        let mut shift = 0;
        loop {
            let byte = self.byte();
            number |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return number;
            }
            shift += 7;
        }
    }

    fn name(&mut self) -> &'a [u8] {
        let length = self.number();
        let name = self.module.get(self.at..self.at + length);
        self.at += length;
        name.expect("the module goes on")
    }
}
