//! The loop as a picture on a terminal that lives.

use std::collections::VecDeque;
use std::io;

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph, Row, Table, Wrap};
use ratatui::{DefaultTerminal, Frame};

use super::plain::causes;
use super::{Audience, News, Wish};
use crate::diary::{CycleRecord, LoopState, LoopStatus};
use crate::excerpt::shown;
use crate::words;

/// How many cycles are remembered for the picture.
const CYCLES: usize = 200;
/// How wide the bar of a phase may be.
const BAR: f64 = 24.0;

/// What the picture shows.
pub(super) struct Picture {
    /// The latest first.
    cycles: VecDeque<CycleRecord>,
    /// Which of them is looked at; 0 follows the latest.
    chosen: usize,
    status: LoopStatus,
    remark: String,
    colours: bool,
}

/// The picture on the terminal of this process; what was there comes back at the end.
pub(super) struct Live {
    terminal: DefaultTerminal,
    picture: Picture,
}

impl Live {
    pub(super) fn open() -> io::Result<Self> {
        let colours = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let picture = Picture::new(colours);
        Ok(Self { terminal: ratatui::try_init()?, picture })
    }

    fn draw(&mut self) {
        // A terminal that can't be drawn on shows nothing; the loop goes on.
        if let Err(error) = self.terminal.draw(|frame| self.picture.draw(frame)) {
            tracing::debug!(%error, "the terminal can't be drawn on");
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

impl Audience for Live {
    fn show(&mut self, news: News<'_>) {
        self.picture.take(&news);
        self.draw();
    }

    fn wishes(&mut self) -> Vec<Wish> {
        let mut wishes = Vec::new();
        while event::poll(std::time::Duration::ZERO).unwrap_or(false) {
            let Ok(event) = event::read() else { break };
            wishes.extend(self.picture.press(&event));
            self.draw();
        }
        wishes
    }
}

impl Picture {
    pub(super) fn new(colours: bool) -> Self {
        Self {
            cycles: VecDeque::new(),
            chosen: 0,
            status: LoopStatus::default(),
            remark: String::new(),
            colours,
        }
    }

    pub(super) fn take(&mut self, news: &News<'_>) {
        match news {
            News::Begun => "watching".clone_into(&mut self.remark),
            News::Ending => "ending …".clone_into(&mut self.remark),
            News::Remark(text) => (*text).clone_into(&mut self.remark),
            News::Deployed(deployed) => self.remark = words::deployed(deployed),
            News::Status(status) => self.status = (*status).clone(),
            News::Cycle(cycle) => {
                self.cycles.push_front((*cycle).clone());
                self.cycles.truncate(CYCLES);
                if self.chosen > 0 {
                    self.chosen = (self.chosen + 1).min(self.cycles.len() - 1);
                }
            }
        }
    }

    fn press(&mut self, event: &Event) -> Option<Wish> {
        let Event::Key(key) = event else { return None };
        if key.kind != KeyEventKind::Press {
            return None;
        }
        let last = self.cycles.len().saturating_sub(1);
        match key.code {
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => {
                return Some(Wish::Quit);
            }
            KeyCode::Char('q') | KeyCode::Esc => return Some(Wish::Quit),
            KeyCode::Char('p') => return Some(Wish::PauseOrResume),
            KeyCode::Char('r') => return Some(Wish::Look),
            KeyCode::Down | KeyCode::Char('j') => self.chosen = (self.chosen + 1).min(last),
            KeyCode::Up | KeyCode::Char('k') => self.chosen = self.chosen.saturating_sub(1),
            KeyCode::Home => self.chosen = 0,
            KeyCode::End => self.chosen = last,
            _ => {}
        }
        None
    }

    pub(super) fn draw(&self, frame: &mut Frame<'_>) {
        let [head, list, detail, foot] = Layout::vertical([
            Constraint::Length(2),
            Constraint::Min(4),
            Constraint::Percentage(55),
            Constraint::Length(1),
        ])
        .areas(frame.area());
        frame.render_widget(self.head(), head);
        self.draw_list(frame, list);
        self.draw_detail(frame, detail);
        let keys = "q quit   p pause or go on   r look at everything   ↑ ↓ choose a cycle";
        frame.render_widget(Paragraph::new(Line::styled(keys, Self::dim())), foot);
    }

    fn head(&self) -> Paragraph<'_> {
        let status = &self.status;
        let (word, colour) = match (status.state, status.health.as_str()) {
            (LoopState::Paused, _) => ("paused", Color::Yellow),
            (LoopState::Stopped | LoopState::Gone, _) => ("stopped", Color::Red),
            (LoopState::Running, "warning") => ("running, warning", Color::Yellow),
            (LoopState::Running, "alert" | "critical") => ("running, in trouble", Color::Red),
            (LoopState::Running, _) => ("running, healthy", Color::Green),
        };
        let queue = &status.queue;
        let totals = &status.totals;
        let figures = format!(
            "  {} cycles, on average {}, 95 % within {}   {} waiting, {} working of {}   {} dead",
            totals.cycles,
            words::duration(totals.avg_cycle_time_ms),
            words::duration(totals.p95_cycle_time_ms),
            queue.ready,
            queue.working,
            queue.limit,
            totals.dead_letters,
        );
        let first = Line::from(vec![
            Span::styled("evergen ", Self::bold()),
            Span::styled(word, self.colour(colour)),
            Span::raw(figures),
        ]);
        let said = status.findings.first().map_or(self.remark.as_str(), |worst| &worst.text);
        let second = status.failing.first().map_or(said, String::as_str);
        let has_failed = status.last_cycle.as_ref().is_some_and(|cycle| !cycle.is_good());
        let style = match (status.failing.is_empty(), has_failed) {
            (true, _) => Self::dim(),
            (false, true) => self.colour(Color::Red),
            (false, false) => self.colour(Color::Yellow),
        };
        Paragraph::new(vec![first, Line::styled(shown(second), style)])
    }

    fn draw_list(&self, frame: &mut Frame<'_>, area: Rect) {
        let room = usize::from(area.height.saturating_sub(3)).max(1);
        let first = self.chosen.saturating_sub(room - 1);
        let rows = self.cycles.iter().enumerate().skip(first).take(room).map(|(number, cycle)| {
            let style = if number == self.chosen {
                Style::new().add_modifier(Modifier::REVERSED)
            } else if !cycle.is_good() {
                self.colour(Color::Red)
            } else if !cycle.left.is_empty() {
                self.colour(Color::Yellow)
            } else {
                Style::new()
            };
            Row::new(vec![
                cycle.started_at.get(11..19).unwrap_or_default().to_owned(),
                cycle.outcome.clone(),
                cycle.written.to_string(),
                cycle.deleted.to_string(),
                words::duration(cycle.duration_ms),
                shown(&causes(cycle)),
            ])
            .style(style)
        });
        let widths =
            [9, 10, 8, 8, 9].map(Constraint::Length).into_iter().chain([Constraint::Fill(1)]);
        let table = Table::new(rows, widths)
            .header(
                Row::new(["at", "outcome", "written", "removed", "took", "because of"])
                    .style(Self::dim()),
            )
            .block(Block::bordered().title(" cycles "));
        frame.render_widget(table, area);
    }

    fn draw_detail(&self, frame: &mut Frame<'_>, area: Rect) {
        let block = Block::bordered().title(" what changed, and why ");
        let Some(cycle) = self.cycles.get(self.chosen) else {
            frame.render_widget(Paragraph::new("nothing yet").block(block), area);
            return;
        };
        let mut lines = Vec::new();
        for error in &cycle.errors {
            lines.push(Line::styled(shown(error), self.colour(Color::Red)));
        }
        for left in &cycle.left {
            lines.push(Line::styled(shown(left), self.colour(Color::Yellow)));
        }
        for found in &cycle.diagnostics {
            let place = match (&found.file, found.line) {
                (Some(file), Some(line)) => format!("{file}:{line}: "),
                (Some(file), None) => format!("{file}: "),
                _ => String::new(),
            };
            lines.push(Line::raw(shown(&format!("  {place}{}", found.message))));
        }
        lines.extend(self.phases(cycle));
        for change in &cycle.changes {
            lines.push(Line::from(vec![
                Span::styled(format!("{:<7}", change.action), Self::bold()),
                Span::raw(shown(&change.path)),
                Span::styled(format!("  {}", shown(&change.reason)), Self::dim()),
            ]));
        }
        let detail = Paragraph::new(lines).wrap(Wrap { trim: false }).block(block);
        frame.render_widget(detail, area);
    }

    /// A bar for each phase that took a while.
    fn phases(&self, cycle: &CycleRecord) -> Vec<Line<'static>> {
        let whole: f64 = cycle.phases_ms.values().sum();
        let told = cycle.phases_ms.iter().filter(|(_, took)| **took > whole / 100.0);
        told.map(|(name, took)| {
            // At most 24, and not below nothing.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 24")]
            let length = (took / whole * BAR).ceil().clamp(0.0, BAR) as usize;
            Line::from(vec![
                Span::raw(format!("{name:<11}")),
                Span::styled("▇".repeat(length), self.colour(Color::Cyan)),
                Span::raw(format!(" {}", words::duration(*took))),
            ])
        })
        .collect()
    }

    fn colour(&self, colour: Color) -> Style {
        if self.colours { Style::new().fg(colour) } else { Style::new() }
    }

    fn dim() -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    fn bold() -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::diary::CycleArtifact;

    fn picture() -> Picture {
        let mut picture = Picture::new(false);
        picture.take(&News::Begun);
        let good = CycleRecord {
            started_at: "2026-01-02T03:04:05Z".to_owned(),
            outcome: "succeeded".to_owned(),
            duration_ms: 12.4,
            written: 1,
            causes: vec!["file:model/shop.ttl".to_owned()],
            changes: vec![CycleArtifact {
                path: "order.rs".to_owned(),
                action: "update".to_owned(),
                reason: "+ <http://example.org/Order> …".to_owned(),
            }],
            phases_ms: [("load".to_owned(), 9.0), ("render".to_owned(), 3.0)].into(),
            ..CycleRecord::default()
        };
        let bad = CycleRecord {
            started_at: "2026-01-02T03:05:00Z".to_owned(),
            outcome: "failed".to_owned(),
            errors: vec!["the model has an error\u{1b}[2J".to_owned()],
            ..good.clone()
        };
        picture.take(&News::Cycle(&good));
        picture.take(&News::Cycle(&bad));
        picture
    }

    fn screen(picture: &Picture) -> String {
        let mut terminal = Terminal::new(TestBackend::new(90, 20)).unwrap();
        terminal.draw(|frame| picture.draw(frame)).unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn the_latest_cycle_is_looked_at_and_another_can_be_chosen() {
        let mut picture = picture();
        let latest = screen(&picture);
        assert!(!latest.contains('\u{1b}'), "{latest}");
        insta::assert_snapshot!(latest);
        picture.press(&Event::Key(KeyCode::Down.into()));
        insta::assert_snapshot!(screen(&picture));
    }

    #[test]
    fn keys_are_wishes() {
        let mut picture = picture();
        let mut press = |code: KeyCode| picture.press(&Event::Key(code.into()));
        assert_eq!(press(KeyCode::Char('q')), Some(Wish::Quit));
        assert_eq!(press(KeyCode::Char('p')), Some(Wish::PauseOrResume));
        assert_eq!(press(KeyCode::Char('r')), Some(Wish::Look));
        assert_eq!(press(KeyCode::Up), None);
    }
}
