//! The command line.

use std::str::FromStr;

use clap::Parser;

use crate::mutant::Mutant;

/// Mutation testing of the files that decide whether a token is admitted, with the vectors and the tests of the core.
///
/// The mutants of each run are tested in small batches at the lowest priority, and the results are kept in target/mutants. To stop,
/// press Ctrl-C; the same command continues. A mutant is tested again if its file has changed, and a missed one also if a test has.
/// Fails if a mutant is missed without an explanation in core/MUTANTS.md, or if an explanation there isn't needed any more.
#[derive(Debug, Parser)]
#[command(name = "mutants")]
pub(crate) struct Arguments {
    /// Only files whose path contains this text.
    #[arg(long, value_name = "PART")]
    file: Option<String>,
    /// Only one of N parts, such as `1/4`, for several machines.
    #[arg(long, value_name = "K/N")]
    shard: Option<Shard>,
    /// Tests nothing; prints the results so far.
    #[arg(long)]
    pub(crate) report: bool,
    /// Forgets all earlier results.
    #[arg(long, conflicts_with = "report")]
    pub(crate) fresh: bool,
    /// Prints JSON instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Arguments {
    pub(crate) fn chooses(&self, mutant: &Mutant) -> bool {
        let file = self.file.as_ref().is_none_or(|part| mutant.file.contains(part));
        file && self.shard.is_none_or(|shard| shard.has(mutant.number))
    }
}

/// Part `k` of `n`, counted from 1.
#[derive(Clone, Copy, Debug)]
struct Shard {
    k: usize,
    n: usize,
}

impl Shard {
    fn has(self, number: usize) -> bool {
        number % self.n == self.k - 1
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text
            .split_once('/')
            .and_then(|(k, n)| Some((k.parse().ok()?, n.parse().ok()?)));
        match parts {
            Some((k, n)) if (1..=n).contains(&k) => Ok(Shard { k, n }),
            _ => Err("a part is written as `1/4`, from `1/4` to `4/4`".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_disjoint_and_have_every_mutant() {
        let shards: Vec<Shard> = ["1/3", "2/3", "3/3"]
            .iter()
            .filter_map(|text| text.parse().ok())
            .collect();
        assert_eq!(shards.len(), 3);
        for number in 0..20 {
            assert_eq!(shards.iter().filter(|shard| shard.has(number)).count(), 1);
        }
    }

    #[test]
    fn refuses_shards_out_of_range() {
        for text in ["0/3", "4/3", "1/0", "1", "a/b", ""] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
