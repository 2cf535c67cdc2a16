//! The machine's stack and input, which never give more than they hold, and its errors.

use super::machine::{Machine, Step};
use crate::models::ModelError;
use crate::models::formats::python::{Object, Value};

impl<'a> Machine<'a, '_, '_> {
    /// The value on top of the stack, which stays there.
    pub(super) fn top(&self) -> Result<Value, ModelError> {
        let floor = self.frame.marks.last().copied().unwrap_or(0);
        match self.frame.stack.last() {
            Some(&value) if self.frame.stack.len() > floor => Ok(value),
            _ => Err(self.malformed("the stack is empty")),
        }
    }

    /// Takes the value on top of the stack; never one below the last mark.
    pub(super) fn pop(&mut self) -> Result<Value, ModelError> {
        let value = self.top()?;
        self.frame.stack.pop();
        Ok(value)
    }

    pub(super) fn pop_mark(&mut self) -> Result<Vec<Value>, ModelError> {
        match self.frame.marks.pop() {
            Some(mark) => Ok(self.frame.stack.split_off(mark)),
            None => Err(self.malformed("no mark on the stack")),
        }
    }

    pub(super) fn push(&mut self, value: Value) -> Step {
        self.meter.grow::<Value>(1)?;
        self.frame.stack.push(value);
        Ok(())
    }

    /// Pushes a reference to a new object.
    pub(super) fn add(&mut self, object: Object<'a>) -> Step {
        self.meter.grow::<Object<'_>>(1)?;
        let value = self.heap.add(object);
        self.push(value)
    }

    /// The next `count` bytes of the input.
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], ModelError> {
        let left = self.input.remaining();
        let taken = self.input.take(count);
        taken.ok_or_else(|| {
            self.malformed(&format!("it ends early, {count} bytes wanted and {left} left: it is cut off; copy or save it again"))
        })
    }

    pub(super) fn read<const N: usize>(&mut self) -> Result<[u8; N], ModelError> {
        self.input
            .array()
            .ok_or_else(|| self.malformed("it ends early: it is cut off; copy or save it again"))
    }

    /// A length of N bytes, at most 8.
    pub(super) fn length<const N: usize>(&mut self) -> Result<usize, ModelError> {
        let bytes: [u8; N] = self.read()?;
        let length = bytes
            .iter()
            .rev()
            .fold(0_u64, |length, &byte| length << 8 | u64::from(byte));
        usize::try_from(length).map_err(|_| self.malformed("a length exceeds the address space"))
    }

    /// An error at the current opcode.
    pub(super) fn malformed(&self, problem: &str) -> ModelError {
        ModelError::Malformed {
            format: "pickle",
            problem: format!("byte {}: {problem}", self.opcode_at),
        }
    }

    /// An error about a value that is not what was expected.
    pub(super) fn expected(&self, expected: &str, found: Value) -> ModelError {
        self.malformed(&format!(
            "expected {expected}, found {}",
            self.heap.describe(found)
        ))
    }
}
