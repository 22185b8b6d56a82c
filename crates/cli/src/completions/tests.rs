use super::*;

#[test]
fn completion_script_lists_all_commands_and_options_for_each_shell() {
    for shell in [SupportedShell::Bash, SupportedShell::Zsh, SupportedShell::Fish] {
        let script = script(shell);
        let command = CommandLine::command();
        let commands: Vec<_> = command.get_subcommands().map(clap::Command::get_name).collect();
        assert!(commands.contains(&"doctor"), "{commands:?}");
        for word in commands.into_iter().chain(["link-local", "busy-poll", "read-write", "color"]) {
            assert!(script.contains(word), "{shell:?} does not complete {word}");
        }
    }
}
