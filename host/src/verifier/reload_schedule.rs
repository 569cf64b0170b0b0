//! Decides when to load a table again that lacks records.

use std::time::{Duration, Instant};

/// The shortest pause between two loads.
const PAUSE: Duration = Duration::from_secs(2);

/// The pause is at least this multiple of the last load's duration, so that loading takes at most a twentieth of the time.
const REST: u32 = 20;

/// The pause if no token was revoked. Pruning frees memory too, but the store reports no change for it.
const LONGEST: Duration = Duration::from_secs(600);

/// When everything was last loaded, and whether another load may fit all records.
#[derive(Debug, Default)]
pub(super) struct ReloadSchedule {
    ended: Option<Instant>,
    took: Duration,
    /// Whether tokens were revoked since the last load began.
    freed: bool,
    /// Whether a load is running in the background.
    loading: bool,
}

impl ReloadSchedule {
    /// Notes that tokens were revoked: they take less memory in the next table.
    pub fn record_revoked(&mut self) {
        self.freed = true;
    }

    /// Notes that a load ended, with or without a table.
    pub fn record_load(&mut self, now: Instant, took: Duration) {
        (self.ended, self.took) = (Some(now), took);
    }

    /// Whether to load everything again. If `true`, the load counts as running until [`ReloadSchedule::end`].
    pub fn begin(&mut self, now: Instant) -> bool {
        let rest = self.took.saturating_mul(REST);
        let pause = if self.freed { PAUSE } else { LONGEST };
        let rested = self
            .ended
            .is_none_or(|ended| now.saturating_duration_since(ended) >= pause.max(rest));
        let begins = rested && !self.loading;
        if begins {
            (self.loading, self.freed) = (true, false);
        }
        begins
    }

    /// Notes that the load started by [`ReloadSchedule::begin`] ended.
    pub fn end(&mut self, now: Instant, took: Duration) {
        self.loading = false;
        self.record_load(now, took);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revocations_schedule_one_reload_after_a_pause() {
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let mut schedule = ReloadSchedule::default();
        schedule.record_load(at(0), Duration::from_millis(10));
        assert!(!schedule.begin(at(60)), "nothing was revoked");
        schedule.record_revoked();
        assert!(!schedule.begin(at(1)), "too soon");
        assert!(schedule.begin(at(2)));
        schedule.record_revoked();
        assert!(!schedule.begin(at(60)), "one is under way");
        schedule.end(at(60), Duration::from_secs(5));
        assert!(
            !schedule.begin(at(159)),
            "a load of five seconds is followed by a hundred without one"
        );
        assert!(schedule.begin(at(160)));
        schedule.end(at(161), Duration::from_secs(1));
        assert!(!schedule.begin(at(760)), "nothing was revoked since it began");
        assert!(schedule.begin(at(761)), "but tokens may have been pruned");
    }
}
