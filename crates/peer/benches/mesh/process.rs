//! What this process uses, as Linux tells it; zero elsewhere.

use std::fs;
use std::time::Duration;

/// Counters at one moment.
pub struct Usage {
    cpu: Duration,
    loopback: u64,
}

/// What was used between two moments.
pub struct Used {
    pub cpu: Duration,
    /// Bytes that the loopback of this machine carried, headers included.
    pub loopback: u64,
}

impl Usage {
    pub fn now() -> Self {
        Self {
            cpu: cpu(),
            loopback: loopback(),
        }
    }
    pub fn since(&self) -> Used {
        Used {
            cpu: cpu().saturating_sub(self.cpu),
            loopback: loopback().saturating_sub(self.loopback),
        }
    }
}

/// Resident memory in bytes.
pub fn rss() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() * 1024
}

/// User and system time, in ticks of a hundredth of a second.
fn cpu() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name before it may hold anything.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks = fields.split_whitespace().skip(11).take(2);
    Duration::from_millis(
        ticks
            .filter_map(|ticks| ticks.parse::<u64>().ok())
            .sum::<u64>()
            * 10,
    )
}

fn loopback() -> u64 {
    let devices = fs::read_to_string("/proc/self/net/dev").unwrap_or_default();
    let line = devices
        .lines()
        .find_map(|line| line.trim().strip_prefix("lo:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or_default()
}
