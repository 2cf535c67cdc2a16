use std::borrow::Cow;

use super::opcode as op;
use crate::models::ModelError;
use crate::models::formats::cursor::Cursor;
use crate::models::formats::limits::{self, Meter};
use crate::models::formats::python::{Foreign, Heap, Object, Value, find};

/// Bytes of a global's module and name.
const LONGEST_NAME: usize = 1024;

/// Reads one pickle and returns the objects it describes and its value.
///
/// Classes and functions outside the closed list stand for themselves: it is an error only when the model needs what they would make.
/// Errors too when an opcode is not one that a model needs, when the pickle is damaged or longer than [`limits::STEPS`] operations,
/// or when something follows it.
pub fn load<'a>(bytes: &'a [u8], meter: &mut Meter<'_>) -> Result<(Heap<'a>, Value), ModelError> {
    let mut machine = Machine::new(bytes, meter);
    let value = machine.run();
    let value = value.map_err(|error| machine.for_all(error))?;
    machine.check_end()?;
    Ok((machine.heap, value))
}

/// The machine of `pickletools`: a stack with marks, a memo, and what they refer to.
pub(super) struct Machine<'a, 'm, 's> {
    pub(super) input: Cursor<'a>,
    pub(super) heap: Heap<'a>,
    pub(super) meter: &'m mut Meter<'s>,
    /// Where the current opcode lies in the input.
    pub(super) opcode_at: usize,
    pub(super) steps: usize,
    /// Bytes that calls may still copy; what the input holds itself is never copied.
    pub(super) copies_left: usize,
    pub(super) frame: Frame,
    /// How many pickles within pickles surround the current one.
    depth: usize,
    /// Bytes that were counted before the pickle was run.
    used_before: usize,
}

/// What one pickle sees; a pickle within a pickle has its own.
#[derive(Default)]
pub(super) struct Frame {
    pub(super) stack: Vec<Value>,
    pub(super) marks: Vec<usize>,
    /// By the numbers that pickles give: one after the other, as Python writes them.
    memo: Vec<Option<Value>>,
    /// How many of them there are.
    memoized: usize,
}

pub(super) type Step = Result<(), ModelError>;

impl<'a, 'm, 's> Machine<'a, 'm, 's> {
    fn new(bytes: &'a [u8], meter: &'m mut Meter<'s>) -> Self {
        let used_before = meter.used();
        Self {
            input: Cursor::new(bytes),
            heap: Heap::default(),
            meter,
            opcode_at: 0,
            steps: 0,
            copies_left: bytes.len(),
            frame: Frame::default(),
            depth: 0,
            used_before,
        }
    }

    /// Runs up to STOP and returns what is on top of the stack then.
    fn run(&mut self) -> Result<Value, ModelError> {
        loop {
            self.opcode_at = self.input.position();
            self.steps += 1;
            if self.steps.is_multiple_of(1024) {
                self.meter.go_on()?;
            }
            if self.steps > limits::STEPS {
                let limit = format!("{} operations", limits::STEPS);
                return Err(ModelError::TooLarge {
                    what: "the pickle".into(),
                    limit,
                });
            }
            let [opcode] = self.read()?;
            if opcode == op::STOP {
                return self.pop();
            }
            self.step(opcode)?;
        }
    }

    /// An error of memory, for the whole pickle: if all of it takes as much as what was read. What its decompression took comes but once.
    fn for_all(&self, error: ModelError) -> ModelError {
        match error {
            ModelError::TooMuchMemory { needed, allowed } => {
                let (rest, read) = (self.input.rest().len(), self.input.position());
                let times = (rest + read).div_ceil(read.max(1));
                let so_far = needed.saturating_sub(self.used_before);
                ModelError::TooMuchMemory {
                    needed: self
                        .used_before
                        .saturating_add(so_far.saturating_mul(times)),
                    allowed,
                }
            }
            error => error,
        }
    }

    /// Errors when more than padding follows the pickle.
    fn check_end(&self) -> Result<(), ModelError> {
        let end = self.input.position();
        let rest = self.input.rest();
        if limits::is_padding(rest) {
            return Ok(());
        }
        Err(ModelError::Unsupported(if super::recognise(rest) {
            format!(
                "a second pickle follows the first, at byte {end}, and which of them is the model cannot be told: save both as one, \
                 joblib.dump(make_pipeline(scaler, model), file)"
            )
        } else {
            format!(
                "{} bytes of something else follow the pickle, which ends at byte {end}: save the model again, alone in its file",
                rest.len()
            )
        }))
    }

    /// Runs a pickle that lies within this one, as joblib writes arrays of objects.
    pub(super) fn run_nested(&mut self) -> Result<Value, ModelError> {
        if self.depth == 4 {
            return Err(self.malformed("pickles are nested too deeply"));
        }
        self.depth += 1;
        let outer = std::mem::take(&mut self.frame);
        let value = self.run()?;
        self.frame = outer;
        self.depth -= 1;
        Ok(value)
    }

    fn step(&mut self, opcode: u8) -> Step {
        match opcode {
            op::PROTO => self.protocol(),
            // Frames only help to read ahead, and joblib's do not cover its arrays.
            op::FRAME => self.read::<8>().map(|_| ()),
            op::MARK => self.mark(),
            op::POP => self.pop().map(|_| ()),
            op::POP_MARK => self.pop_mark().map(|_| ()),
            op::DUP => self.top().and_then(|value| self.push(value)),
            op::NONE | op::NEWTRUE | op::NEWFALSE | op::BININT | op::BININT1 | op::BININT2 => {
                self.constant(opcode)
            }
            op::LONG1 | op::LONG4 | op::BINFLOAT | op::INT => self.number(opcode),
            op::BINUNICODE | op::SHORT_BINUNICODE | op::BINUNICODE8 => self.text(opcode),
            op::BINSTRING | op::SHORT_BINSTRING | op::BINBYTES | op::SHORT_BINBYTES => {
                self.bytes(opcode)
            }
            op::BINBYTES8 | op::BYTEARRAY8 => self.bytes(opcode),
            op::EMPTY_TUPLE => self.add(Object::Tuple(Vec::new())),
            op::TUPLE1 => self.tuple(1),
            op::TUPLE2 => self.tuple(2),
            op::TUPLE3 => self.tuple(3),
            op::TUPLE => self
                .pop_mark()
                .and_then(|items| self.add(Object::Tuple(items))),
            op::EMPTY_LIST => self.add(Object::List(Vec::new())),
            op::LIST => self
                .pop_mark()
                .and_then(|items| self.add(Object::List(items))),
            op::APPEND => self.pop().and_then(|item| self.append(vec![item])),
            op::APPENDS => self.pop_mark().and_then(|items| self.append(items)),
            op::EMPTY_SET => self.add(Object::Set(Vec::new())),
            op::ADDITEMS => self.pop_mark().and_then(|items| self.append(items)),
            op::FROZENSET => self
                .pop_mark()
                .and_then(|items| self.add(Object::Set(items))),
            op::EMPTY_DICT => self.add(Object::Dict(Vec::new())),
            op::DICT => self.new_dict(),
            op::SETITEM => self.set_item(),
            op::SETITEMS => self.pop_mark().and_then(|items| self.set_items(&items)),
            op::BINPUT | op::LONG_BINPUT | op::MEMOIZE => self.memoize(opcode),
            op::BINGET | op::LONG_BINGET => self.recall(opcode),
            op::GLOBAL => self.global(),
            op::STACK_GLOBAL => self.stack_global(),
            op::NEWOBJ => self.new_object(),
            op::NEWOBJ_EX => self.pop().and_then(|_keywords| self.new_object()),
            op::REDUCE => self.reduce(),
            op::BUILD => self.build(),
            other => Err(self.malformed(&format!(
                "opcode 0x{other:02x} is not one that a model needs: save the model again with pickle.dump or joblib.dump"
            ))),
        }
    }

    fn protocol(&mut self) -> Step {
        let [protocol] = self.read()?;
        if (2..=5).contains(&protocol) {
            return Ok(());
        }
        Err(self.malformed(&format!("protocol {protocol}; supported are 2 to 5")))
    }

    fn mark(&mut self) -> Step {
        self.meter.grow::<usize>(1)?;
        self.frame.marks.push(self.frame.stack.len());
        Ok(())
    }

    fn constant(&mut self, opcode: u8) -> Step {
        let value = match opcode {
            op::NEWTRUE => Value::Bool(true),
            op::NEWFALSE => Value::Bool(false),
            op::BININT => Value::Int(i32::from_le_bytes(self.read()?).into()),
            op::BININT1 => Value::Int(u8::from_le_bytes(self.read()?).into()),
            op::BININT2 => Value::Int(u16::from_le_bytes(self.read()?).into()),
            _ => Value::None,
        };
        self.push(value)
    }

    fn number(&mut self, opcode: u8) -> Step {
        let value = match opcode {
            op::BINFLOAT => Value::Float(f64::from_be_bytes(self.read()?)),
            op::LONG1 => {
                let [length] = self.read()?;
                integer(self.take(usize::from(length))?)
            }
            op::LONG4 => {
                let length = self.length::<4>()?;
                integer(self.take(length)?)
            }
            _ => self.decimal()?,
        };
        self.push(value)
    }

    /// How Python 2 writes integers beyond 32 bits, in decimal; `00` and `01` are bools.
    fn decimal(&mut self) -> Result<Value, ModelError> {
        let line = self.input.line();
        let line = line.ok_or_else(|| self.malformed("a number without end"))?;
        Ok(match line {
            b"00" => Value::Bool(false),
            b"01" => Value::Bool(true),
            _ if line.len() > 24 => Value::Other,
            _ => std::str::from_utf8(line)
                .ok()
                .and_then(|text| text.parse().ok())
                .map_or(Value::Other, Value::Int),
        })
    }

    fn text(&mut self, opcode: u8) -> Step {
        let length = match opcode {
            op::SHORT_BINUNICODE => self.length::<1>()?,
            op::BINUNICODE => self.length::<4>()?,
            _ => self.length::<8>()?,
        };
        let bytes = self.take(length)?;
        // Python writes halves of surrogate pairs, such as those of odd file names, which are no UTF-8: no name that is looked at.
        match std::str::from_utf8(bytes) {
            Ok(text) => self.add(Object::Text(Cow::Borrowed(text))),
            Err(_) => self.add(Object::Bytes(Cow::Borrowed(bytes))),
        }
    }

    fn bytes(&mut self, opcode: u8) -> Step {
        let length = match opcode {
            op::SHORT_BINBYTES | op::SHORT_BINSTRING => self.length::<1>()?,
            op::BINBYTES | op::BINSTRING => self.length::<4>()?,
            _ => self.length::<8>()?,
        };
        let bytes = self.take(length)?;
        self.add(Object::Bytes(Cow::Borrowed(bytes)))
    }

    fn tuple(&mut self, length: usize) -> Step {
        let mut items = vec![Value::None; length];
        for item in items.iter_mut().rev() {
            *item = self.pop()?;
        }
        self.add(Object::Tuple(items))
    }

    fn append(&mut self, items: Vec<Value>) -> Step {
        let list = self.top()?;
        self.meter.grow::<Value>(items.len())?;
        match self.heap.get_mut(list) {
            Some(Object::List(list) | Object::Set(list)) => {
                list.extend(items);
                Ok(())
            }
            Some(Object::Made { .. }) => Ok(()),
            _ => Err(self.expected("a list to append to", list)),
        }
    }

    fn new_dict(&mut self) -> Step {
        let items = self.pop_mark()?;
        self.add(Object::Dict(Vec::new()))?;
        self.set_items(&items)
    }

    fn set_item(&mut self) -> Step {
        let value = self.pop()?;
        let key = self.pop()?;
        self.set_items(&[key, value])
    }

    fn set_items(&mut self, items: &[Value]) -> Step {
        let (pairs, rest) = items.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(self.malformed("a key without a value"));
        }
        let dict = self.top()?;
        self.meter.grow::<Value>(items.len())?;
        match self.heap.get_mut(dict) {
            Some(Object::Dict(dict)) => {
                dict.extend(pairs.iter().map(|&[key, value]| (key, value)));
                Ok(())
            }
            Some(Object::Made { .. }) => Ok(()),
            _ => Err(self.expected("a dict to fill", dict)),
        }
    }

    fn memoize(&mut self, opcode: u8) -> Step {
        let index = match opcode {
            op::BINPUT => self.length::<1>()?,
            op::LONG_BINPUT => self.length::<4>()?,
            _ => self.frame.memoized,
        };
        let value = self.top()?;
        if index > self.opcode_at {
            return Err(self.malformed(&format!(
                "memo {index}, and Python numbers them one after the other"
            )));
        }
        let memo = &mut self.frame.memo;
        if index >= memo.len() {
            self.meter.grow::<Option<Value>>(index + 1 - memo.len())?;
            memo.resize(index + 1, None);
        }
        self.frame.memoized += usize::from(memo[index].is_none());
        memo[index] = Some(value);
        Ok(())
    }

    fn recall(&mut self, opcode: u8) -> Step {
        let index = match opcode {
            op::BINGET => self.length::<1>()?,
            _ => self.length::<4>()?,
        };
        match self.frame.memo.get(index) {
            Some(&Some(value)) => self.push(value),
            _ => Err(self.malformed(&format!("memo {index} was never set"))),
        }
    }

    fn global(&mut self) -> Step {
        let mut line = || std::str::from_utf8(self.input.line()?).ok();
        match (line(), line()) {
            (Some(module), Some(name)) => self.push_global(module.into(), name.into()),
            _ => Err(self.malformed("a global has no name")),
        }
    }

    fn stack_global(&mut self) -> Step {
        let name = self.pop()?;
        let module = self.pop()?;
        match (self.name(module), self.name(name)) {
            (Some(module), Some(name)) => self.push_global(module, name),
            _ => Err(self.malformed("a global has no name")),
        }
    }

    /// A text that lies in the input is not copied.
    fn name(&self, value: Value) -> Option<Cow<'a, str>> {
        match self.heap.get(value)? {
            Object::Text(Cow::Borrowed(text)) => Some(Cow::Borrowed(text)),
            _ => self
                .heap
                .text(value)
                .map(|text| Cow::Owned(text.to_owned())),
        }
    }

    /// A class or function; outside the closed list it stands for itself.
    fn push_global(&mut self, module: Cow<'a, str>, name: Cow<'a, str>) -> Step {
        if module.len() + name.len() > LONGEST_NAME {
            return Err(self.malformed("a global's name is too long"));
        }
        if let Some(global) = find(&module, &name) {
            return self.add(Object::Global(global));
        }
        self.meter.take(module.len() + name.len())?;
        let at = Some(self.opcode_at);
        self.add(Object::Foreign(Foreign { module, name, at }))
    }
}

/// A little-endian integer of any length in two's complement.
fn integer(bytes: &[u8]) -> Value {
    let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
    let mut wide = if negative { [0xff; 8] } else { [0; 8] };
    match wide.get_mut(..bytes.len()) {
        Some(low) => {
            low.copy_from_slice(bytes);
            Value::Int(i64::from_le_bytes(wide))
        }
        None => Value::Other,
    }
}
