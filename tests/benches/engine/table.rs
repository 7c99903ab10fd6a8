//! What is printed.

/// One line of the table.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) ours: String,
    /// What it is compared with, and how that did.
    pub(crate) baseline: String,
    pub(crate) measured: f64,
    pub(crate) goal: Goal,
    /// What else was seen.
    pub(crate) note: String,
}

/// How good is good enough.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Goal {
    pub(crate) better: Better,
    pub(crate) bar: f64,
    pub(crate) reach: f64,
    pub(crate) unit: &'static str,
}

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Better {
    Less,
    More,
}

impl Goal {
    pub(crate) const fn at_most(bar: f64, reach: f64, unit: &'static str) -> Self {
        Self { better: Better::Less, bar, reach, unit }
    }

    pub(crate) const fn at_least(bar: f64, reach: f64, unit: &'static str) -> Self {
        Self { better: Better::More, bar, reach, unit }
    }

    fn is_met(&self, measured: f64, limit: f64) -> bool {
        match self.better {
            Better::Less => measured <= limit,
            Better::More => measured >= limit,
        }
    }

    fn verdict(&self, measured: f64) -> &'static str {
        if self.is_met(measured, self.reach) {
            "pass, reached"
        } else if self.is_met(measured, self.bar) {
            "pass"
        } else {
            "MISSED"
        }
    }

    fn spell(&self, limit: f64) -> String {
        let sign = if self.better == Better::Less { '≤' } else { '≥' };
        format!("{sign} {}", self.number(limit))
    }

    fn number(&self, value: f64) -> String {
        match value {
            v if v >= 100.0 => format!("{v:.0} {}", self.unit),
            v if v >= 10.0 => format!("{v:.1} {}", self.unit),
            v => format!("{v:.2} {}", self.unit),
        }
    }
}

/// Prints the names of the columns.
pub(crate) fn print_head() {
    print_cells(["work", "ours", "baseline", "measured", "bar", "reach for", "verdict"]);
    println!("{}", "-".repeat(150));
}

impl Row {
    /// Prints the row, and its note below it.
    pub(crate) fn print(&self) {
        print_cells([
            &self.name,
            &self.ours,
            &self.baseline,
            &self.goal.number(self.measured),
            &self.goal.spell(self.goal.bar),
            &self.goal.spell(self.goal.reach),
            self.goal.verdict(self.measured),
        ]);
        if !self.note.is_empty() {
            println!("    {}", self.note);
        }
    }
}

fn print_cells(cells: [&str; 7]) {
    let [name, ours, baseline, measured, bar, reach, verdict] = cells;
    println!(
        "{name:<52} {ours:>10} {baseline:>30} {measured:>10} {bar:>12} {reach:>12}  {verdict}"
    );
}
