//! Worked examples: mutations and the clocks they lead to.

use statemesh_testkit::engine_notation::{Bound, Player};

/// Runs `mutations` on a fresh machine whose named handlers answer so, and compares each result.
#[track_caller]
fn check(schema: &str, answers: &str, mutations: &str, expected: &str) {
    let mut player = Player::new(schema).bind(Bound::Named, answers);
    assert_eq!(player.play(mutations), expected, "{schema}: {mutations}");
    // Handlers that only accept change nothing.
    let mut player = Player::new(schema).bind(Bound::All, answers);
    assert_eq!(
        player.play(mutations),
        expected,
        "{schema}: {mutations}, all handlers"
    );
    if answers.is_empty() {
        let mut player = Player::new(schema);
        assert_eq!(
            player.play(mutations),
            expected,
            "{schema}: {mutations}, no handlers"
        );
    }
}

#[test]
fn plain_and_multi_states_tick() {
    // Tick rules, Multi +2.
    check(
        "A B(multi) C D",
        "",
        "+A B; +A B; +A B C; =D; +D C; -B C; +A B; +C",
        "ok [1 1 0 0]; ok [1 3 0 0]; ok [1 5 1 0]; ok [2 6 2 1]; ok [2 6 3 1]; ok [2 6 4 \
         1]; ok [3 7 4 1]; ok [3 7 5 1]",
    );
    // Re-adding / re-removing is Executed without ticks.
    check(
        "Door Lamp",
        "",
        "+Door; +Door; -Door; -Door; +Door",
        "ok [1 0]; ok [1 0]; ok [2 0]; ok [2 0]; ok [3 0]",
    );
}

#[test]
fn implied_states() {
    // Implied state; not removed with its owner; already active implied state does not tick.
    check("A(+B) B", "", "+A; -A; +A", "ok [1 1]; ok [2 1]; ok [3 1]");
    // Owner already active: Add not re-applied.
    check("A(+B) B", "", "+A; -B; +A", "ok [1 1]; ok [1 2]; ok [1 2]");
    // Active Multi owner re-imposes Add on every tx, except on states called for removal.
    check(
        "M(multi +B) B X",
        "",
        "+M; -B; +X; -B; -X",
        "ok [1 1 0]; ok [1 2 0]; ok [1 3 1]; ok [1 4 1]; ok [1 5 2]",
    );
    // Add chain stops after 2 hops.
    check("A(+B) B(+C) C(+E) E", "", "+A", "ok [1 1 1 0]");
    // 2nd-hop implied state does not enforce its own Remove.
    check(
        "A(+B) B(+C) C(-X) X",
        "",
        "+X; +A; +C",
        "ok [0 0 0 1]; ok [1 1 1 1]; ok [1 1 1 2]",
    );
    // Implied state removes an active one.
    check("A(+B) B(-C) C", "", "+C; +A", "ok [0 0 1]; ok [1 1 2]");
    // Implied state dropped, called ones win, tx still Executed.
    check("A(+B) B C(-B)", "", "+A C", "ok [1 0 1]");
    // Unmet implied state is silently skipped.
    check(
        "A(+B) B(?C) C",
        "",
        "+A; +C; -A; +A",
        "ok [1 0 0]; ok [1 0 1]; ok [2 0 1]; ok [3 1 1]",
    );
}

#[test]
fn exclusive_states() {
    // One-way Remove: called beats active; active beats called.
    check("A(-B) B", "", "+B; +A; +B", "ok [0 1]; ok [1 2]; no [1 2]");
    // Mutual Remove: newest called wins.
    check(
        "A(-B) B(-A)",
        "",
        "+A; +B; +A",
        "ok [1 0]; ok [2 1]; ok [3 2]",
    );
    // Mutex group, self-Remove stripped.
    check(
        "A(-A -B -C) B(-A -B -C) C(-A -B -C)",
        "",
        "+A; +B; +C",
        "ok [1 0 0]; ok [2 1 0]; ok [2 2 1]",
    );
    // Mutual Remove inside one call: first listed survives resolution, tx Canceled.
    check("A(-B) B(-A)", "", "+A B; +B A", "no [0 0]; no [0 0]");
    // Called removes called: Canceled.
    check("A B(-A)", "", "+B; =B A", "ok [0 1]; no [0 1]");
    // Mutual Remove, implied vs active: active wins, implied dropped.
    check("A(-B) B(-A) Z(+B)", "", "+A; +Z", "ok [1 0 0]; ok [1 0 1]");
    // Implied cross-blocked state still enters when the other is not in the set.
    check("A(-B) B(-A) Z(+B)", "", "=Z", "ok [0 1 1]");
    // Mutual Remove between implied: first implied wins.
    check("P(+A) Q(+B) A(-B) B(-A)", "", "+P Q", "ok [1 1 1 0]");
    // Implied removes a called state: Canceled.
    check("P(+B) B(-C) C", "", "+P C", "no [0 0 0]");
    // Called vs implied, mutual: called wins.
    check("P(+B) B(-C) C(-B)", "", "+P C", "ok [1 0 1]");
    // Blocked blocker is ignored: C enters though B (active) removes it.
    check("A(-B) B(-C) C", "", "+B; +A C", "ok [0 1 0]; ok [1 2 1]");
    // 3-cycle of Remove.
    check(
        "A(-B) B(-C) C(-A)",
        "",
        "+A; +C; +B; +A",
        "ok [1 0 0]; ok [2 0 1]; ok [2 1 2]; ok [3 2 2]",
    );
}

#[test]
fn required_states() {
    // Set: Dry is not in the set.
    check(
        "Wet(?Water) Dry(-Wet) Water(+Wet -Dry)",
        "",
        "=Dry; =Water",
        "ok [0 1 0]; ok [1 2 1]",
    );
    // Second Add pass rescues a state whose blocker got removed.
    check(
        "Wet(?Water) Dry(-Wet) Water(+Wet -Dry)",
        "",
        "+Dry; +Water",
        "ok [0 1 0]; ok [1 2 1]",
    );
    // Require cascade after Remove.
    check(
        "Wet(?Water) Dry(-Water) Water(+Wet -Dry)",
        "",
        "+Dry; +Water; +Dry",
        "ok [0 1 0]; ok [1 2 1]; ok [2 3 2]",
    );
    // Require: reject, satisfy in same call, cascade on removal.
    check(
        "A(?B) B",
        "",
        "+A; +A B; -B",
        "no [0 0]; ok [1 1]; ok [2 2]",
    );
    // Transitive Require cascade.
    check(
        "A(?B) B(?C) C",
        "",
        "+C; +B; +A; -C",
        "ok [0 0 1]; ok [0 1 1]; ok [1 1 1]; ok [2 2 2]",
    );
    // Called removes what another called requires.
    check(
        "A(?B) B C(-B)",
        "",
        "+B; +A C; +A; +C",
        "ok [0 1 0]; no [0 1 0]; ok [1 1 0]; ok [2 2 1]",
    );
    // Require cycle.
    check(
        "A(?B) B(?A)",
        "",
        "+A; +A B; -A",
        "no [0 0]; ok [1 1]; ok [2 2]",
    );
    // Add (1st hop) satisfies Require.
    check(
        "A(+B ?B) B",
        "",
        "+A; -B; +A",
        "ok [1 1]; ok [2 2]; ok [3 3]",
    );
    // 2nd-hop Add comes too late for Require.
    check(
        "A(+B ?C) B(+C) C",
        "",
        "+A; +B; +A",
        "no [0 0 0]; ok [0 1 1]; ok [1 1 1]",
    );
    // Set drops what it does not list.
    check(
        "A(?B) B C",
        "",
        "+A B; =A; =A C; =B",
        "ok [1 1 0]; no [1 1 0]; no [1 1 0]; ok [2 1 0]",
    );
}

#[test]
fn after_orders_neighbours_only() {
    // After gap: active order stays C X D (4.5).
    check("C(>D) D X", "", "+C X D", "ok [1 1 1]");
}

#[test]
fn auto_states() {
    // Auto states of one auto tx satisfy each other.
    check(
        "A(auto ?B) B(auto ?C) C",
        "",
        "+C; -C",
        "ok [1 1 1]; ok [2 2 2]",
    );
    // Partial auto acceptance by relations.
    check("A(auto) B(auto ?C) C D", "", "+D", "ok [1 0 0 1]");
    // All autos rejected: auto tx canceled.
    check("A C(auto ?B) D(auto ?B) B", "", "+A", "ok [1 0 0 0]");
    // Auto blocked by an active Remove is not even called.
    check(
        "A(auto) X(-A) Y",
        "",
        "+X; +Y; -X",
        "ok [0 1 0]; ok [0 1 1]; ok [1 2 1]",
    );
    // Auto tx does not chain; next change retries.
    check(
        "P(auto) R(-P) Q(auto -R) T",
        "",
        "+R; +T",
        "ok [0 2 1 0]; ok [1 2 1 1]",
    );
    // Two mutually exclusive autos.
    check("A(auto -B) B(auto -A) X", "", "+X", "ok [1 0 1]");
    // Auto state removes an active state.
    check("A(auto -Y) Y", "", "+Y", "ok [1 2]");
    // Auto never re-enters; explicit call does.
    check(
        "A(auto multi) X",
        "",
        "+X; -X; +A",
        "ok [1 1]; ok [1 2]; ok [3 2]",
    );
    // Health-only Add skips autos.
    check(
        "Heartbeat A(auto)",
        "",
        "+Heartbeat; -Heartbeat",
        "ok [1 0]; ok [2 1]",
    );
    // Rejected auto takes its implied states with it (recheck).
    check("A(auto +B ?Z) B G(auto) T Z", "", "+T", "ok [0 0 1 1 0]");
}

#[test]
fn auto_states_with_handlers() {
    // Handler CB returns false: only B dropped.
    check("A(auto) B(auto) C", "CB=veto", "+C", "ok [1 0 1]");
    // BEnter returns false: B and its implied D dropped.
    check(
        "A(auto) B(auto +D) C D",
        "BEnter=veto",
        "+C",
        "ok [1 0 1 0]",
    );
    // Non-auto self handler rejects: whole auto tx canceled.
    check("A(auto) B(auto) C", "CC=veto", "+C", "ok [0 0 1]");
    // Non-auto implied D rejects: whole auto tx canceled.
    check(
        "A(auto) B(auto +D) C D",
        "DEnter=veto",
        "+C",
        "ok [0 0 1 0]",
    );
    // Auto D rejects, but B re-implies it in the recheck: D still enters.
    check("B(auto +D) C D(auto)", "DEnter=veto", "+C", "ok [1 1 1]");
}

#[test]
fn mixed_relations_and_checks() {
    // Mixed: B implies C, then A follows by auto.
    check(
        "A(auto ?C) B(multi +C) C(>D) D(+C +B)",
        "",
        "=A C; -C; +B; +D",
        "ok [1 0 1 0]; ok [2 0 2 0]; ok [3 1 3 0]; ok [3 1 3 1]",
    );
    // Checks never tick.
    check(
        "A(auto ?C) B(multi +C) C(>D) D(+C +B)",
        "",
        "can+A; can+C",
        "no [0 0 0 0]; ok [0 0 0 0]",
    );
}

#[test]
fn reusable_schemas() {
    // Basic error states.
    check(
        "Exception(multi) ErrNetwork(multi +Exception ?Exception) Start",
        "",
        "+ErrNetwork Exception; +Exception; -Exception; +ErrNetwork; -ErrNetwork",
        "ok [1 1 0]; ok [3 1 0]; ok [4 2 0]; ok [5 3 0]; ok [5 4 0]",
    );
    // Disposed schema: later errors are Canceled.
    check(
        "Exception(multi) Start Disposing(-Start -Exception) Disposed(-Start -Exception \
         -Disposing)",
        "",
        "+Start; +Exception; +Disposing; +Start; +Disposed; +Exception",
        "ok [0 1 0 0]; ok [1 1 0 0]; ok [2 2 1 0]; no [2 2 1 0]; ok [2 2 2 1]; no [2 2 2 \
         1]",
    );
    // Connected schema: Disconnected returns by itself.
    check(
        "Start Connecting(?Start -Connecting -Connected -Disconnecting -Disconnected) \
         Connected(?Start -Connecting -Connected -Disconnecting -Disconnected) \
         Disconnecting(-Connecting -Connected -Disconnecting -Disconnected) \
         Disconnected(auto -Connecting -Connected -Disconnecting -Disconnected)",
        "",
        "+Start; +Connecting; +Connected; -Start",
        "ok [1 0 0 0 1]; ok [1 1 0 0 2]; ok [1 2 1 0 2]; ok [2 2 2 0 3]",
    );
}
