//! The tour: a greeting client and its server on a cable in memory, step by step.

use super::error::Failure;
use super::lab::{Shown, of_locale};
use super::output::say_line;
use super::programs::find;
use crate::lab::lang::Lang;
use crate::lab::run::Run;
use crate::lab::{Setup, address};

/// The names that the client sends.
const TEXTS: [&[u8]; 3] = [b"Li", b"Cheng", b"victor"];

/// Runs the tour. The clock is virtual and the seed is constant, so every run is the same.
///
/// # Errors
/// Fails if standard output has failed.
pub fn tour() -> Result<(), Failure> {
    // Log lines below level warn would disturb the output.
    log::set_max_level(log::max_level().min(log::LevelFilter::Warn));
    let (client, server) = (address(0), address(1));
    let lang = of_locale();
    match lang {
        Lang::En => say_line(format_args!(
            "A greeting client ({client}) and its server ({server}) on a cable in memory, on a virtual clock.\n\
             Each line is an event in a step of the poll loop. The TCP states are the states after the event.\n"
        ))?,
        Lang::Zh => say_line(format_args!(
            "问候程序的客户（{client}）和服务器（{server}），由内存中的一根网线相连，使用虚拟时钟。\n\
             每一行是轮询循环的一步中发生的一个事件。所示的 TCP 状态是该事件之后的状态。\n"
        ))?,
    }
    // `false`: over TCP, not UDP.
    let setup = Setup::program(find("greeting")?, &TEXTS, false).map_err(Failure::run)?;
    let mut shown = Shown::new(lang);
    // `None`: until the run ends.
    let ended = Run::new(&setup).record(None, &mut |snapshot, _| shown.print_row(snapshot)).map_err(Failure::usage)?;
    shown.finish(&ended)?;
    say_line(lang.pick(
        "\nNext: 'smolstep lab --step', 'smolstep sandbox --serve greeting -- nc -N 192.168.69.1 9999', and 'smolstep --help'.",
        "\n下一步：'smolstep lab --step'、'smolstep sandbox --serve greeting -- nc -N 192.168.69.1 9999' 和 'smolstep --help'。",
    ))
}
