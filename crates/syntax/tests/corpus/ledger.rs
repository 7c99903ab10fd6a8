//! A ledger of small sums, for the sake of its syntax.
#![forbid(unsafe_code)]

use std::{collections::BTreeMap, fmt::{self, Display}};

pub(crate) mod sums {
    pub const LIMIT: u64 = 0xFF_u64 << 2;
    pub static NAME: &str = r#"raw "text""#;
}

#[derive(Debug, Clone, PartialEq)]
pub enum Entry<'a, T: Display + ?Sized = str> {
    Empty,
    Pair(u8, &'a T),
    Named { key: String, value: Option<Box<T>> },
}

pub struct Ledger<const N: usize>([i64; N]);

impl<const N: usize> Ledger<N> where [i64; N]: Sized {
    pub fn new() -> Self { Self([0; N]) }

    pub fn add(&mut self, at: usize, sum: i64) -> Result<i64, String> {
        let Some(slot) = self.0.get_mut(at) else {
            return Err(format!("no slot {at} of {}", N));
        };
        *slot += if sum > 0 { sum } else { -sum };
        Ok(*slot)
    }

    pub fn total(&self) -> i64 {
        'outer: loop {
            for (index, one) in self.0.iter().enumerate().skip(1) {
                match (index, *one) {
                    (0..=3, n @ 1..) if n % 2 == 0 => continue 'outer,
                    (_, i64::MIN | i64::MAX) => break 'outer i64::from(b'x'),
                    _ => {}
                }
            }
            break self.0.iter().map(|one: &i64| one * 2).sum::<i64>();
        }
    }
}

impl<const N: usize> Display for Ledger<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>1$}", self.total(), 8)?;
        let all = vec![1.5e3, 2., -0.1f64];
        assert!(matches!(all.first(), Some(x) if *x > 0.0), "first of {all:?}");
        while let [first, .., last] = &all[..] { if first < last { break } }
        Ok(())
    }
}

pub trait Audit {
    type Report: Send + 'static;
    const DEPTH: u8 = 3;
    fn audit(&self, by: &dyn Fn(&str) -> bool) -> Self::Report;
    async fn later(self) -> impl Iterator<Item = u8> where Self: Sized { [1u8, 2].into_iter() }
}

macro_rules! sums {
    ($($name:ident => $value:expr),* $(,)?) => { $(pub fn $name() -> i32 { $value })* };
}
sums! { one => 1, two => 1 + 1 }

pub unsafe extern "C" fn raw(at: *const u8, (a, b): (i32, i32)) -> ! {
    let closure = move |x: i32| -> i32 { x as i32 + a - !b };
    let map: BTreeMap<&str, Vec<i32>> = BTreeMap::from([("a", vec![1; 3])]);
    let _range = (..=5, 1.., 'c', '\n', b"bytes", closure(2), map["a"][0], at);
    unreachable!()
}
