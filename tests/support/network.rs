//! A network of the test's own, in namespaces of Linux: the hub stands in one, the test in another, and
//! between them are two lines. One loses every packet from when the test says so, and tells neither end.

use std::net::{IpAddr, Ipv4Addr};
use std::process::{Command, Stdio};

/// `required` makes a machine that cannot have such a network a failure.
const WANTED: &str = "NDXP_TEST_NETWORK";
/// Tells a test that it runs in one.
const INSIDE: &str = "NDXP_TEST_NETWORK_INSIDE";
/// What a process with a network of its own is started through. What it makes of it goes with it.
const UNSHARED: [&str; 4] = ["unshare", "--net", "--mount", "--"];

/// How a command is run where the hub is.
pub const AT_THE_HUB: [&str; 4] = ["ip", "netns", "exec", "hub"];

/// Of the range that is kept for such things (RFC 2544): the test's and the hub's end of each line.
pub const LOSSY: [IpAddr; 2] = [address(1, 1), address(2, 2)];
pub const SOUND: [IpAddr; 2] = [address(3, 1), address(3, 2)];

/// Two lines: one through a router that can be stopped, and one that is a wire.
const LAID: [&str; 21] = [
    "ip link set lo up",
    "ip netns add hub",
    "ip netns add router",
    "ip -n hub link set lo up",
    "ip link add test0 type veth peer name router0 netns router",
    "ip -n router link add router1 type veth peer name hub0 netns hub",
    "ip link add test1 type veth peer name hub1 netns hub",
    "ip addr add 198.18.1.1/30 dev test0",
    "ip -n router addr add 198.18.1.2/30 dev router0",
    "ip -n router addr add 198.18.2.1/30 dev router1",
    "ip -n hub addr add 198.18.2.2/30 dev hub0",
    "ip addr add 198.18.3.1/30 dev test1",
    "ip -n hub addr add 198.18.3.2/30 dev hub1",
    "ip link set test0 up",
    "ip link set test1 up",
    "ip -n router link set router0 up",
    "ip -n router link set router1 up",
    "ip -n hub link set hub0 up",
    "ip -n hub link set hub1 up",
    "ip route add 198.18.2.0/30 via 198.18.1.2",
    "ip -n hub route add 198.18.1.0/30 via 198.18.2.1",
];

pub struct Network;

const fn address(line: u8, end: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(198, 18, line, end))
}

/// Whether this is a network of the test's own. Where it is not, the test has been run in one, or
/// could not be.
///
/// # Panics
/// When the test fails there, or this machine must have such networks and has not.
pub fn is_own(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    if let Err(missing) = is_possible() {
        let required = std::env::var(WANTED).is_ok_and(|wanted| wanted == "required");
        assert!(!required, "no network of the test's own: {missing}");
        println!("skipped: no network of the test's own: {missing}");
        return false;
    }
    let [unshare, rest @ ..] = UNSHARED;
    let itself = std::env::current_exe().expect("a process knows what it runs");
    // Names of namespaces are files in /run: none of them are the machine's.
    let output = Command::new(unshare)
        .args(rest)
        .args(["sh", "-c", "mount -t tmpfs none /run && exec \"$@\"", "sh"])
        .arg(itself)
        .args([test, "--exact", "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .expect("unshare runs");
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let (said, talk) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{said}\n{talk}");
    assert!(said.contains("1 passed"), "{test} is not there: {said}");
    print!("{said}");
    false
}

fn is_possible() -> Result<(), &'static str> {
    let runs = |command: &[&str]| {
        let [program, arguments @ ..] = command else {
            return false;
        };
        let mut command = Command::new(program);
        command.args(arguments).stdout(Stdio::null());
        let ended = command.stderr(Stdio::null()).status();
        ended.is_ok_and(|status| status.success())
    };
    if !runs(&["ip", "-V"]) {
        return Err("there is no `ip` (iproute2)");
    }
    let mut unshared = UNSHARED.to_vec();
    unshared.extend(["ip", "link", "add", "test0", "type", "veth"]);
    match runs(&unshared) {
        true => Ok(()),
        false => Err("this user may not make one"),
    }
}

impl Network {
    /// Lays both lines.
    pub fn lay() -> Self {
        LAID.iter().for_each(|line| does(line));
        let network = Self;
        network.carry();
        network
    }

    /// From now on every packet of the lossy line is lost.
    pub fn lose(&self) {
        self.forward("0");
    }

    pub fn carry(&self) {
        self.forward("1");
    }

    /// Whether the router between the ends passes packets on. Those that it does not it drops without
    /// a word, and neither end's own line is down.
    fn forward(&self, whether: &str) {
        let write = "ip netns exec router tee /proc/sys/net/ipv4/ip_forward";
        let mut tee = command(write)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("ip runs");
        let mut input = tee.stdin.take().expect("it was piped");
        std::io::Write::write_all(&mut input, whether.as_bytes()).expect("tee reads");
        drop(input);
        assert!(tee.wait().expect("tee ends").success(), "{write}");
    }
}

fn command(line: &str) -> Command {
    let mut words = line.split(' ');
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words);
    command
}

#[track_caller]
fn does(line: &str) {
    let output = command(line).output().expect("ip runs");
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{line}: {talk}");
}
