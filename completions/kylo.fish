# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_kylo_global_optspecs
    string join \n C/profile= b/brokers= database-url= X= o/output= no-headers q/quiet v/verbose color= no-input y/yes dry-run timeout= log-level= log-format= h/help V/version
end

function __fish_kylo_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_kylo_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_kylo_using_subcommand
    set -l cmd (__fish_kylo_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c kylo -n "__fish_kylo_needs_command" -s C -l profile -d 'Profile of your configuration to use' -r
complete -c kylo -n "__fish_kylo_needs_command" -s b -l brokers -l bootstrap-server -d 'Kafka brokers, comma separated' -r
complete -c kylo -n "__fish_kylo_needs_command" -l database-url -d 'Control database (better in KYLO_DATABASE_URL: a command line can be read by others)' -r
complete -c kylo -n "__fish_kylo_needs_command" -s X -d 'A setting: a librdkafka property or one of kylo\'s keys; `-X dump` shows each with its origin' -r
complete -c kylo -n "__fish_kylo_needs_command" -s o -l output -d 'Shape of data on stdout: table, wide, json, jsonl, yaml, csv [default: table]' -r -f -a "table\t'Aligned columns'
wide\t'Aligned columns, all of them'
json\t'One document'
jsonl\t'One object a line'
yaml\t'One document'
csv\t'Comma-separated, with a heading line'"
complete -c kylo -n "__fish_kylo_needs_command" -l color -d 'Use colour [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In a pipe too'
never\t'Not at all'"
complete -c kylo -n "__fish_kylo_needs_command" -l timeout -d 'How long one request may take (`10s`, `500ms`, `2m`) [default: 10s]' -r
complete -c kylo -n "__fish_kylo_needs_command" -l log-level -d 'What the log on stderr shows: off, error, warn, info, debug, trace, or `kylo=debug,rdkafka=info` [default: warn]' -r
complete -c kylo -n "__fish_kylo_needs_command" -l log-format -d 'Shape of the log [default: text]' -r -f -a "text\t''
json\t''"
complete -c kylo -n "__fish_kylo_needs_command" -l no-headers -d 'Leave out the headings of a table'
complete -c kylo -n "__fish_kylo_needs_command" -s q -l quiet -d 'Hide status lines and progress'
complete -c kylo -n "__fish_kylo_needs_command" -s v -l verbose -d 'Show details'
complete -c kylo -n "__fish_kylo_needs_command" -l no-input -d 'Never ask a question'
complete -c kylo -n "__fish_kylo_needs_command" -s y -l yes -l execute -d 'Do it without asking'
complete -c kylo -n "__fish_kylo_needs_command" -l dry-run -d 'Show the plan and stop'
complete -c kylo -n "__fish_kylo_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kylo -n "__fish_kylo_needs_command" -s V -l version -d 'Print version'
complete -c kylo -n "__fish_kylo_needs_command" -f -a "demo" -d 'play the whole ledger flow on services of its own, with checks'
complete -c kylo -n "__fish_kylo_needs_command" -f -a "init" -d 'write kylo.toml, .env and companies.toml to start from'
complete -c kylo -n "__fish_kylo_needs_command" -f -a "topics" -d 'create topics, look at them, write to them'
complete -c kylo -n "__fish_kylo_needs_command" -f -a "topic" -d 'create topics, look at them, write to them'
complete -c kylo -n "__fish_kylo_needs_command" -f -a "groups" -d 'look at consumer groups and their lag'
complete -c kylo -n "__fish_kylo_needs_command" -f -a "group" -d 'look at consumer groups and their lag'
complete -c kylo -n "__fish_kylo_needs_command" -f -a "dlq" -d 'look at dead letters, and send them back'
complete -c kylo -n "__fish_kylo_needs_command" -f -a "db" -d 'migrate the databases, and show how they stand'
complete -c kylo -n "__fish_kylo_needs_command" -f -a "seed" -d 'bring the companies of a file into the database'
complete -c kylo -n "__fish_kylo_needs_command" -f -a "rules" -d 'approve the companies\' rules'
complete -c kylo -n "__fish_kylo_needs_command" -f -a "send" -d 'publish test and real payloads'
complete -c kylo -n "__fish_kylo_needs_command" -f -a "consume" -d 'run built-in consumers'
complete -c kylo -n "__fish_kylo_needs_command" -f -a "completions" -d 'print a completion script for a shell'
complete -c kylo -n "__fish_kylo_needs_command" -f -a "help" -d 'show help on a command or a topic: exit-codes, flags, settings'
complete -c kylo -n "__fish_kylo_using_subcommand demo" -l transactions -d 'Then put N generated transactions of ten companies through it, and tell the rate' -r
complete -c kylo -n "__fish_kylo_using_subcommand demo" -s C -l profile -d 'Profile of your configuration to use' -r
complete -c kylo -n "__fish_kylo_using_subcommand demo" -s b -l brokers -l bootstrap-server -d 'Kafka brokers, comma separated' -r
complete -c kylo -n "__fish_kylo_using_subcommand demo" -l database-url -d 'Control database (better in KYLO_DATABASE_URL: a command line can be read by others)' -r
complete -c kylo -n "__fish_kylo_using_subcommand demo" -s X -d 'A setting: a librdkafka property or one of kylo\'s keys; `-X dump` shows each with its origin' -r
complete -c kylo -n "__fish_kylo_using_subcommand demo" -s o -l output -d 'Shape of data on stdout: table, wide, json, jsonl, yaml, csv [default: table]' -r -f -a "table\t'Aligned columns'
wide\t'Aligned columns, all of them'
json\t'One document'
jsonl\t'One object a line'
yaml\t'One document'
csv\t'Comma-separated, with a heading line'"
complete -c kylo -n "__fish_kylo_using_subcommand demo" -l color -d 'Use colour [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In a pipe too'
never\t'Not at all'"
complete -c kylo -n "__fish_kylo_using_subcommand demo" -l timeout -d 'How long one request may take (`10s`, `500ms`, `2m`) [default: 10s]' -r
complete -c kylo -n "__fish_kylo_using_subcommand demo" -l log-level -d 'What the log on stderr shows: off, error, warn, info, debug, trace, or `kylo=debug,rdkafka=info` [default: warn]' -r
complete -c kylo -n "__fish_kylo_using_subcommand demo" -l log-format -d 'Shape of the log [default: text]' -r -f -a "text\t''
json\t''"
complete -c kylo -n "__fish_kylo_using_subcommand demo" -l keep -d 'Keep the database and the tabs, and say how to look at them'
complete -c kylo -n "__fish_kylo_using_subcommand demo" -l no-headers -d 'Leave out the headings of a table'
complete -c kylo -n "__fish_kylo_using_subcommand demo" -s q -l quiet -d 'Hide status lines and progress'
complete -c kylo -n "__fish_kylo_using_subcommand demo" -s v -l verbose -d 'Show details'
complete -c kylo -n "__fish_kylo_using_subcommand demo" -l no-input -d 'Never ask a question'
complete -c kylo -n "__fish_kylo_using_subcommand demo" -s y -l yes -l execute -d 'Do it without asking'
complete -c kylo -n "__fish_kylo_using_subcommand demo" -l dry-run -d 'Show the plan and stop'
complete -c kylo -n "__fish_kylo_using_subcommand demo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kylo -n "__fish_kylo_using_subcommand init" -s C -l profile -d 'Profile of your configuration to use' -r
complete -c kylo -n "__fish_kylo_using_subcommand init" -s b -l brokers -l bootstrap-server -d 'Kafka brokers, comma separated' -r
complete -c kylo -n "__fish_kylo_using_subcommand init" -l database-url -d 'Control database (better in KYLO_DATABASE_URL: a command line can be read by others)' -r
complete -c kylo -n "__fish_kylo_using_subcommand init" -s X -d 'A setting: a librdkafka property or one of kylo\'s keys; `-X dump` shows each with its origin' -r
complete -c kylo -n "__fish_kylo_using_subcommand init" -s o -l output -d 'Shape of data on stdout: table, wide, json, jsonl, yaml, csv [default: table]' -r -f -a "table\t'Aligned columns'
wide\t'Aligned columns, all of them'
json\t'One document'
jsonl\t'One object a line'
yaml\t'One document'
csv\t'Comma-separated, with a heading line'"
complete -c kylo -n "__fish_kylo_using_subcommand init" -l color -d 'Use colour [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In a pipe too'
never\t'Not at all'"
complete -c kylo -n "__fish_kylo_using_subcommand init" -l timeout -d 'How long one request may take (`10s`, `500ms`, `2m`) [default: 10s]' -r
complete -c kylo -n "__fish_kylo_using_subcommand init" -l log-level -d 'What the log on stderr shows: off, error, warn, info, debug, trace, or `kylo=debug,rdkafka=info` [default: warn]' -r
complete -c kylo -n "__fish_kylo_using_subcommand init" -l log-format -d 'Shape of the log [default: text]' -r -f -a "text\t''
json\t''"
complete -c kylo -n "__fish_kylo_using_subcommand init" -l overwrite -d 'Write over files that differ; asks before it does'
complete -c kylo -n "__fish_kylo_using_subcommand init" -l no-headers -d 'Leave out the headings of a table'
complete -c kylo -n "__fish_kylo_using_subcommand init" -s q -l quiet -d 'Hide status lines and progress'
complete -c kylo -n "__fish_kylo_using_subcommand init" -s v -l verbose -d 'Show details'
complete -c kylo -n "__fish_kylo_using_subcommand init" -l no-input -d 'Never ask a question'
complete -c kylo -n "__fish_kylo_using_subcommand init" -s y -l yes -l execute -d 'Do it without asking'
complete -c kylo -n "__fish_kylo_using_subcommand init" -l dry-run -d 'Show the plan and stop'
complete -c kylo -n "__fish_kylo_using_subcommand init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and not __fish_seen_subcommand_from create list describe produce" -s C -l profile -d 'Profile of your configuration to use' -r
complete -c kylo -n "__fish_kylo_using_subcommand topics; and not __fish_seen_subcommand_from create list describe produce" -s b -l brokers -l bootstrap-server -d 'Kafka brokers, comma separated' -r
complete -c kylo -n "__fish_kylo_using_subcommand topics; and not __fish_seen_subcommand_from create list describe produce" -l database-url -d 'Control database (better in KYLO_DATABASE_URL: a command line can be read by others)' -r
complete -c kylo -n "__fish_kylo_using_subcommand topics; and not __fish_seen_subcommand_from create list describe produce" -s X -d 'A setting: a librdkafka property or one of kylo\'s keys; `-X dump` shows each with its origin' -r
complete -c kylo -n "__fish_kylo_using_subcommand topics; and not __fish_seen_subcommand_from create list describe produce" -s o -l output -d 'Shape of data on stdout: table, wide, json, jsonl, yaml, csv [default: table]' -r -f -a "table\t'Aligned columns'
wide\t'Aligned columns, all of them'
json\t'One document'
jsonl\t'One object a line'
yaml\t'One document'
csv\t'Comma-separated, with a heading line'"
complete -c kylo -n "__fish_kylo_using_subcommand topics; and not __fish_seen_subcommand_from create list describe produce" -l color -d 'Use colour [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In a pipe too'
never\t'Not at all'"
complete -c kylo -n "__fish_kylo_using_subcommand topics; and not __fish_seen_subcommand_from create list describe produce" -l timeout -d 'How long one request may take (`10s`, `500ms`, `2m`) [default: 10s]' -r
complete -c kylo -n "__fish_kylo_using_subcommand topics; and not __fish_seen_subcommand_from create list describe produce" -l log-level -d 'What the log on stderr shows: off, error, warn, info, debug, trace, or `kylo=debug,rdkafka=info` [default: warn]' -r
complete -c kylo -n "__fish_kylo_using_subcommand topics; and not __fish_seen_subcommand_from create list describe produce" -l log-format -d 'Shape of the log [default: text]' -r -f -a "text\t''
json\t''"
complete -c kylo -n "__fish_kylo_using_subcommand topics; and not __fish_seen_subcommand_from create list describe produce" -l no-headers -d 'Leave out the headings of a table'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and not __fish_seen_subcommand_from create list describe produce" -s q -l quiet -d 'Hide status lines and progress'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and not __fish_seen_subcommand_from create list describe produce" -s v -l verbose -d 'Show details'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and not __fish_seen_subcommand_from create list describe produce" -l no-input -d 'Never ask a question'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and not __fish_seen_subcommand_from create list describe produce" -s y -l yes -l execute -d 'Do it without asking'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and not __fish_seen_subcommand_from create list describe produce" -l dry-run -d 'Show the plan and stop'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and not __fish_seen_subcommand_from create list describe produce" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and not __fish_seen_subcommand_from create list describe produce" -f -a "create" -d 'create the topics a pipeline declares, or named ones'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and not __fish_seen_subcommand_from create list describe produce" -f -a "list" -d 'list topics'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and not __fish_seen_subcommand_from create list describe produce" -f -a "describe" -d 'show partitions and configuration of topics'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and not __fish_seen_subcommand_from create list describe produce" -f -a "produce" -d 'write lines from standard input to a topic'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from create" -l pipeline -d 'Create every topic this pipeline declares, dead-letter topics included' -r
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from create" -s p -l partitions -d 'Partitions of each topic; left out, the broker\'s default' -r
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from create" -s r -l replicas -d 'Replication factor; left out, the broker\'s default' -r
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from create" -s c -l config -d 'Topic configuration, by Kafka\'s names; may be repeated' -r
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from create" -s C -l profile -d 'Profile of your configuration to use' -r
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from create" -s b -l brokers -l bootstrap-server -d 'Kafka brokers, comma separated' -r
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from create" -l database-url -d 'Control database (better in KYLO_DATABASE_URL: a command line can be read by others)' -r
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from create" -s X -d 'A setting: a librdkafka property or one of kylo\'s keys; `-X dump` shows each with its origin' -r
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from create" -s o -l output -d 'Shape of data on stdout: table, wide, json, jsonl, yaml, csv [default: table]' -r -f -a "table\t'Aligned columns'
wide\t'Aligned columns, all of them'
json\t'One document'
jsonl\t'One object a line'
yaml\t'One document'
csv\t'Comma-separated, with a heading line'"
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from create" -l color -d 'Use colour [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In a pipe too'
never\t'Not at all'"
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from create" -l timeout -d 'How long one request may take (`10s`, `500ms`, `2m`) [default: 10s]' -r
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from create" -l log-level -d 'What the log on stderr shows: off, error, warn, info, debug, trace, or `kylo=debug,rdkafka=info` [default: warn]' -r
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from create" -l log-format -d 'Shape of the log [default: text]' -r -f -a "text\t''
json\t''"
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from create" -l if-not-exists -d 'Leave a topic that is there as it is, whatever its shape'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from create" -l no-headers -d 'Leave out the headings of a table'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from create" -s q -l quiet -d 'Hide status lines and progress'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from create" -s v -l verbose -d 'Show details'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from create" -l no-input -d 'Never ask a question'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from create" -s y -l yes -l execute -d 'Do it without asking'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from create" -l dry-run -d 'Show the plan and stop'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from list" -s C -l profile -d 'Profile of your configuration to use' -r
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from list" -s b -l brokers -l bootstrap-server -d 'Kafka brokers, comma separated' -r
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from list" -l database-url -d 'Control database (better in KYLO_DATABASE_URL: a command line can be read by others)' -r
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from list" -s X -d 'A setting: a librdkafka property or one of kylo\'s keys; `-X dump` shows each with its origin' -r
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from list" -s o -l output -d 'Shape of data on stdout: table, wide, json, jsonl, yaml, csv [default: table]' -r -f -a "table\t'Aligned columns'
wide\t'Aligned columns, all of them'
json\t'One document'
jsonl\t'One object a line'
yaml\t'One document'
csv\t'Comma-separated, with a heading line'"
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from list" -l color -d 'Use colour [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In a pipe too'
never\t'Not at all'"
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from list" -l timeout -d 'How long one request may take (`10s`, `500ms`, `2m`) [default: 10s]' -r
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from list" -l log-level -d 'What the log on stderr shows: off, error, warn, info, debug, trace, or `kylo=debug,rdkafka=info` [default: warn]' -r
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from list" -l log-format -d 'Shape of the log [default: text]' -r -f -a "text\t''
json\t''"
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from list" -s i -l internal -d 'Show Kafka\'s own topics too'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from list" -l no-headers -d 'Leave out the headings of a table'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Hide status lines and progress'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Show details'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from list" -l no-input -d 'Never ask a question'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from list" -s y -l yes -l execute -d 'Do it without asking'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from list" -l dry-run -d 'Show the plan and stop'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from describe" -s C -l profile -d 'Profile of your configuration to use' -r
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from describe" -s b -l brokers -l bootstrap-server -d 'Kafka brokers, comma separated' -r
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from describe" -l database-url -d 'Control database (better in KYLO_DATABASE_URL: a command line can be read by others)' -r
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from describe" -s X -d 'A setting: a librdkafka property or one of kylo\'s keys; `-X dump` shows each with its origin' -r
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from describe" -s o -l output -d 'Shape of data on stdout: table, wide, json, jsonl, yaml, csv [default: table]' -r -f -a "table\t'Aligned columns'
wide\t'Aligned columns, all of them'
json\t'One document'
jsonl\t'One object a line'
yaml\t'One document'
csv\t'Comma-separated, with a heading line'"
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from describe" -l color -d 'Use colour [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In a pipe too'
never\t'Not at all'"
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from describe" -l timeout -d 'How long one request may take (`10s`, `500ms`, `2m`) [default: 10s]' -r
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from describe" -l log-level -d 'What the log on stderr shows: off, error, warn, info, debug, trace, or `kylo=debug,rdkafka=info` [default: warn]' -r
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from describe" -l log-format -d 'Shape of the log [default: text]' -r -f -a "text\t''
json\t''"
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from describe" -l no-headers -d 'Leave out the headings of a table'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from describe" -s q -l quiet -d 'Hide status lines and progress'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from describe" -s v -l verbose -d 'Show details'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from describe" -l no-input -d 'Never ask a question'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from describe" -s y -l yes -l execute -d 'Do it without asking'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from describe" -l dry-run -d 'Show the plan and stop'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from describe" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from produce" -s k -l key -d 'Key of every record; left out, null' -r
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from produce" -s H -l header -d 'A header of every record: the first of = and : splits; may be repeated' -r
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from produce" -s p -l partition -d 'Partition; left out, the key chooses (murmur2)' -r
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from produce" -s z -l compression -d 'Compression: none, gzip, snappy, lz4 or zstd' -r -f -a "none\t''
gzip\t''
snappy\t''
lz4\t''
zstd\t''"
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from produce" -s f -l format -d 'What a line is: a value, or a whole record as JSON' -r -f -a "value\t'The value, byte for byte'
record\t'A record with key, value, headers and timestamp, as `kylo dlq show -o jsonl` prints it'"
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from produce" -s C -l profile -d 'Profile of your configuration to use' -r
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from produce" -s b -l brokers -l bootstrap-server -d 'Kafka brokers, comma separated' -r
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from produce" -l database-url -d 'Control database (better in KYLO_DATABASE_URL: a command line can be read by others)' -r
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from produce" -s X -d 'A setting: a librdkafka property or one of kylo\'s keys; `-X dump` shows each with its origin' -r
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from produce" -s o -l output -d 'Shape of data on stdout: table, wide, json, jsonl, yaml, csv [default: table]' -r -f -a "table\t'Aligned columns'
wide\t'Aligned columns, all of them'
json\t'One document'
jsonl\t'One object a line'
yaml\t'One document'
csv\t'Comma-separated, with a heading line'"
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from produce" -l color -d 'Use colour [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In a pipe too'
never\t'Not at all'"
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from produce" -l timeout -d 'How long one request may take (`10s`, `500ms`, `2m`) [default: 10s]' -r
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from produce" -l log-level -d 'What the log on stderr shows: off, error, warn, info, debug, trace, or `kylo=debug,rdkafka=info` [default: warn]' -r
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from produce" -l log-format -d 'Shape of the log [default: text]' -r -f -a "text\t''
json\t''"
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from produce" -s Z -l tombstone -d 'An empty line is a tombstone: a null value'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from produce" -l no-headers -d 'Leave out the headings of a table'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from produce" -s q -l quiet -d 'Hide status lines and progress'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from produce" -s v -l verbose -d 'Show details'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from produce" -l no-input -d 'Never ask a question'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from produce" -s y -l yes -l execute -d 'Do it without asking'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from produce" -l dry-run -d 'Show the plan and stop'
complete -c kylo -n "__fish_kylo_using_subcommand topics; and __fish_seen_subcommand_from produce" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and not __fish_seen_subcommand_from create list describe produce" -s C -l profile -d 'Profile of your configuration to use' -r
complete -c kylo -n "__fish_kylo_using_subcommand topic; and not __fish_seen_subcommand_from create list describe produce" -s b -l brokers -l bootstrap-server -d 'Kafka brokers, comma separated' -r
complete -c kylo -n "__fish_kylo_using_subcommand topic; and not __fish_seen_subcommand_from create list describe produce" -l database-url -d 'Control database (better in KYLO_DATABASE_URL: a command line can be read by others)' -r
complete -c kylo -n "__fish_kylo_using_subcommand topic; and not __fish_seen_subcommand_from create list describe produce" -s X -d 'A setting: a librdkafka property or one of kylo\'s keys; `-X dump` shows each with its origin' -r
complete -c kylo -n "__fish_kylo_using_subcommand topic; and not __fish_seen_subcommand_from create list describe produce" -s o -l output -d 'Shape of data on stdout: table, wide, json, jsonl, yaml, csv [default: table]' -r -f -a "table\t'Aligned columns'
wide\t'Aligned columns, all of them'
json\t'One document'
jsonl\t'One object a line'
yaml\t'One document'
csv\t'Comma-separated, with a heading line'"
complete -c kylo -n "__fish_kylo_using_subcommand topic; and not __fish_seen_subcommand_from create list describe produce" -l color -d 'Use colour [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In a pipe too'
never\t'Not at all'"
complete -c kylo -n "__fish_kylo_using_subcommand topic; and not __fish_seen_subcommand_from create list describe produce" -l timeout -d 'How long one request may take (`10s`, `500ms`, `2m`) [default: 10s]' -r
complete -c kylo -n "__fish_kylo_using_subcommand topic; and not __fish_seen_subcommand_from create list describe produce" -l log-level -d 'What the log on stderr shows: off, error, warn, info, debug, trace, or `kylo=debug,rdkafka=info` [default: warn]' -r
complete -c kylo -n "__fish_kylo_using_subcommand topic; and not __fish_seen_subcommand_from create list describe produce" -l log-format -d 'Shape of the log [default: text]' -r -f -a "text\t''
json\t''"
complete -c kylo -n "__fish_kylo_using_subcommand topic; and not __fish_seen_subcommand_from create list describe produce" -l no-headers -d 'Leave out the headings of a table'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and not __fish_seen_subcommand_from create list describe produce" -s q -l quiet -d 'Hide status lines and progress'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and not __fish_seen_subcommand_from create list describe produce" -s v -l verbose -d 'Show details'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and not __fish_seen_subcommand_from create list describe produce" -l no-input -d 'Never ask a question'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and not __fish_seen_subcommand_from create list describe produce" -s y -l yes -l execute -d 'Do it without asking'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and not __fish_seen_subcommand_from create list describe produce" -l dry-run -d 'Show the plan and stop'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and not __fish_seen_subcommand_from create list describe produce" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and not __fish_seen_subcommand_from create list describe produce" -f -a "create" -d 'create the topics a pipeline declares, or named ones'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and not __fish_seen_subcommand_from create list describe produce" -f -a "list" -d 'list topics'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and not __fish_seen_subcommand_from create list describe produce" -f -a "describe" -d 'show partitions and configuration of topics'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and not __fish_seen_subcommand_from create list describe produce" -f -a "produce" -d 'write lines from standard input to a topic'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from create" -l pipeline -d 'Create every topic this pipeline declares, dead-letter topics included' -r
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from create" -s p -l partitions -d 'Partitions of each topic; left out, the broker\'s default' -r
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from create" -s r -l replicas -d 'Replication factor; left out, the broker\'s default' -r
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from create" -s c -l config -d 'Topic configuration, by Kafka\'s names; may be repeated' -r
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from create" -s C -l profile -d 'Profile of your configuration to use' -r
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from create" -s b -l brokers -l bootstrap-server -d 'Kafka brokers, comma separated' -r
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from create" -l database-url -d 'Control database (better in KYLO_DATABASE_URL: a command line can be read by others)' -r
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from create" -s X -d 'A setting: a librdkafka property or one of kylo\'s keys; `-X dump` shows each with its origin' -r
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from create" -s o -l output -d 'Shape of data on stdout: table, wide, json, jsonl, yaml, csv [default: table]' -r -f -a "table\t'Aligned columns'
wide\t'Aligned columns, all of them'
json\t'One document'
jsonl\t'One object a line'
yaml\t'One document'
csv\t'Comma-separated, with a heading line'"
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from create" -l color -d 'Use colour [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In a pipe too'
never\t'Not at all'"
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from create" -l timeout -d 'How long one request may take (`10s`, `500ms`, `2m`) [default: 10s]' -r
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from create" -l log-level -d 'What the log on stderr shows: off, error, warn, info, debug, trace, or `kylo=debug,rdkafka=info` [default: warn]' -r
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from create" -l log-format -d 'Shape of the log [default: text]' -r -f -a "text\t''
json\t''"
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from create" -l if-not-exists -d 'Leave a topic that is there as it is, whatever its shape'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from create" -l no-headers -d 'Leave out the headings of a table'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from create" -s q -l quiet -d 'Hide status lines and progress'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from create" -s v -l verbose -d 'Show details'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from create" -l no-input -d 'Never ask a question'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from create" -s y -l yes -l execute -d 'Do it without asking'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from create" -l dry-run -d 'Show the plan and stop'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from list" -s C -l profile -d 'Profile of your configuration to use' -r
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from list" -s b -l brokers -l bootstrap-server -d 'Kafka brokers, comma separated' -r
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from list" -l database-url -d 'Control database (better in KYLO_DATABASE_URL: a command line can be read by others)' -r
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from list" -s X -d 'A setting: a librdkafka property or one of kylo\'s keys; `-X dump` shows each with its origin' -r
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from list" -s o -l output -d 'Shape of data on stdout: table, wide, json, jsonl, yaml, csv [default: table]' -r -f -a "table\t'Aligned columns'
wide\t'Aligned columns, all of them'
json\t'One document'
jsonl\t'One object a line'
yaml\t'One document'
csv\t'Comma-separated, with a heading line'"
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from list" -l color -d 'Use colour [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In a pipe too'
never\t'Not at all'"
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from list" -l timeout -d 'How long one request may take (`10s`, `500ms`, `2m`) [default: 10s]' -r
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from list" -l log-level -d 'What the log on stderr shows: off, error, warn, info, debug, trace, or `kylo=debug,rdkafka=info` [default: warn]' -r
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from list" -l log-format -d 'Shape of the log [default: text]' -r -f -a "text\t''
json\t''"
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from list" -s i -l internal -d 'Show Kafka\'s own topics too'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from list" -l no-headers -d 'Leave out the headings of a table'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Hide status lines and progress'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Show details'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from list" -l no-input -d 'Never ask a question'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from list" -s y -l yes -l execute -d 'Do it without asking'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from list" -l dry-run -d 'Show the plan and stop'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from describe" -s C -l profile -d 'Profile of your configuration to use' -r
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from describe" -s b -l brokers -l bootstrap-server -d 'Kafka brokers, comma separated' -r
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from describe" -l database-url -d 'Control database (better in KYLO_DATABASE_URL: a command line can be read by others)' -r
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from describe" -s X -d 'A setting: a librdkafka property or one of kylo\'s keys; `-X dump` shows each with its origin' -r
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from describe" -s o -l output -d 'Shape of data on stdout: table, wide, json, jsonl, yaml, csv [default: table]' -r -f -a "table\t'Aligned columns'
wide\t'Aligned columns, all of them'
json\t'One document'
jsonl\t'One object a line'
yaml\t'One document'
csv\t'Comma-separated, with a heading line'"
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from describe" -l color -d 'Use colour [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In a pipe too'
never\t'Not at all'"
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from describe" -l timeout -d 'How long one request may take (`10s`, `500ms`, `2m`) [default: 10s]' -r
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from describe" -l log-level -d 'What the log on stderr shows: off, error, warn, info, debug, trace, or `kylo=debug,rdkafka=info` [default: warn]' -r
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from describe" -l log-format -d 'Shape of the log [default: text]' -r -f -a "text\t''
json\t''"
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from describe" -l no-headers -d 'Leave out the headings of a table'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from describe" -s q -l quiet -d 'Hide status lines and progress'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from describe" -s v -l verbose -d 'Show details'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from describe" -l no-input -d 'Never ask a question'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from describe" -s y -l yes -l execute -d 'Do it without asking'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from describe" -l dry-run -d 'Show the plan and stop'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from describe" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from produce" -s k -l key -d 'Key of every record; left out, null' -r
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from produce" -s H -l header -d 'A header of every record: the first of = and : splits; may be repeated' -r
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from produce" -s p -l partition -d 'Partition; left out, the key chooses (murmur2)' -r
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from produce" -s z -l compression -d 'Compression: none, gzip, snappy, lz4 or zstd' -r -f -a "none\t''
gzip\t''
snappy\t''
lz4\t''
zstd\t''"
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from produce" -s f -l format -d 'What a line is: a value, or a whole record as JSON' -r -f -a "value\t'The value, byte for byte'
record\t'A record with key, value, headers and timestamp, as `kylo dlq show -o jsonl` prints it'"
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from produce" -s C -l profile -d 'Profile of your configuration to use' -r
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from produce" -s b -l brokers -l bootstrap-server -d 'Kafka brokers, comma separated' -r
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from produce" -l database-url -d 'Control database (better in KYLO_DATABASE_URL: a command line can be read by others)' -r
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from produce" -s X -d 'A setting: a librdkafka property or one of kylo\'s keys; `-X dump` shows each with its origin' -r
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from produce" -s o -l output -d 'Shape of data on stdout: table, wide, json, jsonl, yaml, csv [default: table]' -r -f -a "table\t'Aligned columns'
wide\t'Aligned columns, all of them'
json\t'One document'
jsonl\t'One object a line'
yaml\t'One document'
csv\t'Comma-separated, with a heading line'"
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from produce" -l color -d 'Use colour [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In a pipe too'
never\t'Not at all'"
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from produce" -l timeout -d 'How long one request may take (`10s`, `500ms`, `2m`) [default: 10s]' -r
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from produce" -l log-level -d 'What the log on stderr shows: off, error, warn, info, debug, trace, or `kylo=debug,rdkafka=info` [default: warn]' -r
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from produce" -l log-format -d 'Shape of the log [default: text]' -r -f -a "text\t''
json\t''"
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from produce" -s Z -l tombstone -d 'An empty line is a tombstone: a null value'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from produce" -l no-headers -d 'Leave out the headings of a table'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from produce" -s q -l quiet -d 'Hide status lines and progress'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from produce" -s v -l verbose -d 'Show details'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from produce" -l no-input -d 'Never ask a question'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from produce" -s y -l yes -l execute -d 'Do it without asking'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from produce" -l dry-run -d 'Show the plan and stop'
complete -c kylo -n "__fish_kylo_using_subcommand topic; and __fish_seen_subcommand_from produce" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kylo -n "__fish_kylo_using_subcommand groups; and not __fish_seen_subcommand_from list describe" -s C -l profile -d 'Profile of your configuration to use' -r
complete -c kylo -n "__fish_kylo_using_subcommand groups; and not __fish_seen_subcommand_from list describe" -s b -l brokers -l bootstrap-server -d 'Kafka brokers, comma separated' -r
complete -c kylo -n "__fish_kylo_using_subcommand groups; and not __fish_seen_subcommand_from list describe" -l database-url -d 'Control database (better in KYLO_DATABASE_URL: a command line can be read by others)' -r
complete -c kylo -n "__fish_kylo_using_subcommand groups; and not __fish_seen_subcommand_from list describe" -s X -d 'A setting: a librdkafka property or one of kylo\'s keys; `-X dump` shows each with its origin' -r
complete -c kylo -n "__fish_kylo_using_subcommand groups; and not __fish_seen_subcommand_from list describe" -s o -l output -d 'Shape of data on stdout: table, wide, json, jsonl, yaml, csv [default: table]' -r -f -a "table\t'Aligned columns'
wide\t'Aligned columns, all of them'
json\t'One document'
jsonl\t'One object a line'
yaml\t'One document'
csv\t'Comma-separated, with a heading line'"
complete -c kylo -n "__fish_kylo_using_subcommand groups; and not __fish_seen_subcommand_from list describe" -l color -d 'Use colour [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In a pipe too'
never\t'Not at all'"
complete -c kylo -n "__fish_kylo_using_subcommand groups; and not __fish_seen_subcommand_from list describe" -l timeout -d 'How long one request may take (`10s`, `500ms`, `2m`) [default: 10s]' -r
complete -c kylo -n "__fish_kylo_using_subcommand groups; and not __fish_seen_subcommand_from list describe" -l log-level -d 'What the log on stderr shows: off, error, warn, info, debug, trace, or `kylo=debug,rdkafka=info` [default: warn]' -r
complete -c kylo -n "__fish_kylo_using_subcommand groups; and not __fish_seen_subcommand_from list describe" -l log-format -d 'Shape of the log [default: text]' -r -f -a "text\t''
json\t''"
complete -c kylo -n "__fish_kylo_using_subcommand groups; and not __fish_seen_subcommand_from list describe" -l no-headers -d 'Leave out the headings of a table'
complete -c kylo -n "__fish_kylo_using_subcommand groups; and not __fish_seen_subcommand_from list describe" -s q -l quiet -d 'Hide status lines and progress'
complete -c kylo -n "__fish_kylo_using_subcommand groups; and not __fish_seen_subcommand_from list describe" -s v -l verbose -d 'Show details'
complete -c kylo -n "__fish_kylo_using_subcommand groups; and not __fish_seen_subcommand_from list describe" -l no-input -d 'Never ask a question'
complete -c kylo -n "__fish_kylo_using_subcommand groups; and not __fish_seen_subcommand_from list describe" -s y -l yes -l execute -d 'Do it without asking'
complete -c kylo -n "__fish_kylo_using_subcommand groups; and not __fish_seen_subcommand_from list describe" -l dry-run -d 'Show the plan and stop'
complete -c kylo -n "__fish_kylo_using_subcommand groups; and not __fish_seen_subcommand_from list describe" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kylo -n "__fish_kylo_using_subcommand groups; and not __fish_seen_subcommand_from list describe" -f -a "list" -d 'list consumer groups'
complete -c kylo -n "__fish_kylo_using_subcommand groups; and not __fish_seen_subcommand_from list describe" -f -a "describe" -d 'show members, offsets and lag of groups'
complete -c kylo -n "__fish_kylo_using_subcommand groups; and __fish_seen_subcommand_from list" -s C -l profile -d 'Profile of your configuration to use' -r
complete -c kylo -n "__fish_kylo_using_subcommand groups; and __fish_seen_subcommand_from list" -s b -l brokers -l bootstrap-server -d 'Kafka brokers, comma separated' -r
complete -c kylo -n "__fish_kylo_using_subcommand groups; and __fish_seen_subcommand_from list" -l database-url -d 'Control database (better in KYLO_DATABASE_URL: a command line can be read by others)' -r
complete -c kylo -n "__fish_kylo_using_subcommand groups; and __fish_seen_subcommand_from list" -s X -d 'A setting: a librdkafka property or one of kylo\'s keys; `-X dump` shows each with its origin' -r
complete -c kylo -n "__fish_kylo_using_subcommand groups; and __fish_seen_subcommand_from list" -s o -l output -d 'Shape of data on stdout: table, wide, json, jsonl, yaml, csv [default: table]' -r -f -a "table\t'Aligned columns'
wide\t'Aligned columns, all of them'
json\t'One document'
jsonl\t'One object a line'
yaml\t'One document'
csv\t'Comma-separated, with a heading line'"
complete -c kylo -n "__fish_kylo_using_subcommand groups; and __fish_seen_subcommand_from list" -l color -d 'Use colour [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In a pipe too'
never\t'Not at all'"
complete -c kylo -n "__fish_kylo_using_subcommand groups; and __fish_seen_subcommand_from list" -l timeout -d 'How long one request may take (`10s`, `500ms`, `2m`) [default: 10s]' -r
complete -c kylo -n "__fish_kylo_using_subcommand groups; and __fish_seen_subcommand_from list" -l log-level -d 'What the log on stderr shows: off, error, warn, info, debug, trace, or `kylo=debug,rdkafka=info` [default: warn]' -r
complete -c kylo -n "__fish_kylo_using_subcommand groups; and __fish_seen_subcommand_from list" -l log-format -d 'Shape of the log [default: text]' -r -f -a "text\t''
json\t''"
complete -c kylo -n "__fish_kylo_using_subcommand groups; and __fish_seen_subcommand_from list" -l no-headers -d 'Leave out the headings of a table'
complete -c kylo -n "__fish_kylo_using_subcommand groups; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Hide status lines and progress'
complete -c kylo -n "__fish_kylo_using_subcommand groups; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Show details'
complete -c kylo -n "__fish_kylo_using_subcommand groups; and __fish_seen_subcommand_from list" -l no-input -d 'Never ask a question'
complete -c kylo -n "__fish_kylo_using_subcommand groups; and __fish_seen_subcommand_from list" -s y -l yes -l execute -d 'Do it without asking'
complete -c kylo -n "__fish_kylo_using_subcommand groups; and __fish_seen_subcommand_from list" -l dry-run -d 'Show the plan and stop'
complete -c kylo -n "__fish_kylo_using_subcommand groups; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kylo -n "__fish_kylo_using_subcommand groups; and __fish_seen_subcommand_from describe" -s C -l profile -d 'Profile of your configuration to use' -r
complete -c kylo -n "__fish_kylo_using_subcommand groups; and __fish_seen_subcommand_from describe" -s b -l brokers -l bootstrap-server -d 'Kafka brokers, comma separated' -r
complete -c kylo -n "__fish_kylo_using_subcommand groups; and __fish_seen_subcommand_from describe" -l database-url -d 'Control database (better in KYLO_DATABASE_URL: a command line can be read by others)' -r
complete -c kylo -n "__fish_kylo_using_subcommand groups; and __fish_seen_subcommand_from describe" -s X -d 'A setting: a librdkafka property or one of kylo\'s keys; `-X dump` shows each with its origin' -r
complete -c kylo -n "__fish_kylo_using_subcommand groups; and __fish_seen_subcommand_from describe" -s o -l output -d 'Shape of data on stdout: table, wide, json, jsonl, yaml, csv [default: table]' -r -f -a "table\t'Aligned columns'
wide\t'Aligned columns, all of them'
json\t'One document'
jsonl\t'One object a line'
yaml\t'One document'
csv\t'Comma-separated, with a heading line'"
complete -c kylo -n "__fish_kylo_using_subcommand groups; and __fish_seen_subcommand_from describe" -l color -d 'Use colour [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In a pipe too'
never\t'Not at all'"
complete -c kylo -n "__fish_kylo_using_subcommand groups; and __fish_seen_subcommand_from describe" -l timeout -d 'How long one request may take (`10s`, `500ms`, `2m`) [default: 10s]' -r
complete -c kylo -n "__fish_kylo_using_subcommand groups; and __fish_seen_subcommand_from describe" -l log-level -d 'What the log on stderr shows: off, error, warn, info, debug, trace, or `kylo=debug,rdkafka=info` [default: warn]' -r
complete -c kylo -n "__fish_kylo_using_subcommand groups; and __fish_seen_subcommand_from describe" -l log-format -d 'Shape of the log [default: text]' -r -f -a "text\t''
json\t''"
complete -c kylo -n "__fish_kylo_using_subcommand groups; and __fish_seen_subcommand_from describe" -l no-headers -d 'Leave out the headings of a table'
complete -c kylo -n "__fish_kylo_using_subcommand groups; and __fish_seen_subcommand_from describe" -s q -l quiet -d 'Hide status lines and progress'
complete -c kylo -n "__fish_kylo_using_subcommand groups; and __fish_seen_subcommand_from describe" -s v -l verbose -d 'Show details'
complete -c kylo -n "__fish_kylo_using_subcommand groups; and __fish_seen_subcommand_from describe" -l no-input -d 'Never ask a question'
complete -c kylo -n "__fish_kylo_using_subcommand groups; and __fish_seen_subcommand_from describe" -s y -l yes -l execute -d 'Do it without asking'
complete -c kylo -n "__fish_kylo_using_subcommand groups; and __fish_seen_subcommand_from describe" -l dry-run -d 'Show the plan and stop'
complete -c kylo -n "__fish_kylo_using_subcommand groups; and __fish_seen_subcommand_from describe" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kylo -n "__fish_kylo_using_subcommand group; and not __fish_seen_subcommand_from list describe" -s C -l profile -d 'Profile of your configuration to use' -r
complete -c kylo -n "__fish_kylo_using_subcommand group; and not __fish_seen_subcommand_from list describe" -s b -l brokers -l bootstrap-server -d 'Kafka brokers, comma separated' -r
complete -c kylo -n "__fish_kylo_using_subcommand group; and not __fish_seen_subcommand_from list describe" -l database-url -d 'Control database (better in KYLO_DATABASE_URL: a command line can be read by others)' -r
complete -c kylo -n "__fish_kylo_using_subcommand group; and not __fish_seen_subcommand_from list describe" -s X -d 'A setting: a librdkafka property or one of kylo\'s keys; `-X dump` shows each with its origin' -r
complete -c kylo -n "__fish_kylo_using_subcommand group; and not __fish_seen_subcommand_from list describe" -s o -l output -d 'Shape of data on stdout: table, wide, json, jsonl, yaml, csv [default: table]' -r -f -a "table\t'Aligned columns'
wide\t'Aligned columns, all of them'
json\t'One document'
jsonl\t'One object a line'
yaml\t'One document'
csv\t'Comma-separated, with a heading line'"
complete -c kylo -n "__fish_kylo_using_subcommand group; and not __fish_seen_subcommand_from list describe" -l color -d 'Use colour [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In a pipe too'
never\t'Not at all'"
complete -c kylo -n "__fish_kylo_using_subcommand group; and not __fish_seen_subcommand_from list describe" -l timeout -d 'How long one request may take (`10s`, `500ms`, `2m`) [default: 10s]' -r
complete -c kylo -n "__fish_kylo_using_subcommand group; and not __fish_seen_subcommand_from list describe" -l log-level -d 'What the log on stderr shows: off, error, warn, info, debug, trace, or `kylo=debug,rdkafka=info` [default: warn]' -r
complete -c kylo -n "__fish_kylo_using_subcommand group; and not __fish_seen_subcommand_from list describe" -l log-format -d 'Shape of the log [default: text]' -r -f -a "text\t''
json\t''"
complete -c kylo -n "__fish_kylo_using_subcommand group; and not __fish_seen_subcommand_from list describe" -l no-headers -d 'Leave out the headings of a table'
complete -c kylo -n "__fish_kylo_using_subcommand group; and not __fish_seen_subcommand_from list describe" -s q -l quiet -d 'Hide status lines and progress'
complete -c kylo -n "__fish_kylo_using_subcommand group; and not __fish_seen_subcommand_from list describe" -s v -l verbose -d 'Show details'
complete -c kylo -n "__fish_kylo_using_subcommand group; and not __fish_seen_subcommand_from list describe" -l no-input -d 'Never ask a question'
complete -c kylo -n "__fish_kylo_using_subcommand group; and not __fish_seen_subcommand_from list describe" -s y -l yes -l execute -d 'Do it without asking'
complete -c kylo -n "__fish_kylo_using_subcommand group; and not __fish_seen_subcommand_from list describe" -l dry-run -d 'Show the plan and stop'
complete -c kylo -n "__fish_kylo_using_subcommand group; and not __fish_seen_subcommand_from list describe" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kylo -n "__fish_kylo_using_subcommand group; and not __fish_seen_subcommand_from list describe" -f -a "list" -d 'list consumer groups'
complete -c kylo -n "__fish_kylo_using_subcommand group; and not __fish_seen_subcommand_from list describe" -f -a "describe" -d 'show members, offsets and lag of groups'
complete -c kylo -n "__fish_kylo_using_subcommand group; and __fish_seen_subcommand_from list" -s C -l profile -d 'Profile of your configuration to use' -r
complete -c kylo -n "__fish_kylo_using_subcommand group; and __fish_seen_subcommand_from list" -s b -l brokers -l bootstrap-server -d 'Kafka brokers, comma separated' -r
complete -c kylo -n "__fish_kylo_using_subcommand group; and __fish_seen_subcommand_from list" -l database-url -d 'Control database (better in KYLO_DATABASE_URL: a command line can be read by others)' -r
complete -c kylo -n "__fish_kylo_using_subcommand group; and __fish_seen_subcommand_from list" -s X -d 'A setting: a librdkafka property or one of kylo\'s keys; `-X dump` shows each with its origin' -r
complete -c kylo -n "__fish_kylo_using_subcommand group; and __fish_seen_subcommand_from list" -s o -l output -d 'Shape of data on stdout: table, wide, json, jsonl, yaml, csv [default: table]' -r -f -a "table\t'Aligned columns'
wide\t'Aligned columns, all of them'
json\t'One document'
jsonl\t'One object a line'
yaml\t'One document'
csv\t'Comma-separated, with a heading line'"
complete -c kylo -n "__fish_kylo_using_subcommand group; and __fish_seen_subcommand_from list" -l color -d 'Use colour [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In a pipe too'
never\t'Not at all'"
complete -c kylo -n "__fish_kylo_using_subcommand group; and __fish_seen_subcommand_from list" -l timeout -d 'How long one request may take (`10s`, `500ms`, `2m`) [default: 10s]' -r
complete -c kylo -n "__fish_kylo_using_subcommand group; and __fish_seen_subcommand_from list" -l log-level -d 'What the log on stderr shows: off, error, warn, info, debug, trace, or `kylo=debug,rdkafka=info` [default: warn]' -r
complete -c kylo -n "__fish_kylo_using_subcommand group; and __fish_seen_subcommand_from list" -l log-format -d 'Shape of the log [default: text]' -r -f -a "text\t''
json\t''"
complete -c kylo -n "__fish_kylo_using_subcommand group; and __fish_seen_subcommand_from list" -l no-headers -d 'Leave out the headings of a table'
complete -c kylo -n "__fish_kylo_using_subcommand group; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Hide status lines and progress'
complete -c kylo -n "__fish_kylo_using_subcommand group; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Show details'
complete -c kylo -n "__fish_kylo_using_subcommand group; and __fish_seen_subcommand_from list" -l no-input -d 'Never ask a question'
complete -c kylo -n "__fish_kylo_using_subcommand group; and __fish_seen_subcommand_from list" -s y -l yes -l execute -d 'Do it without asking'
complete -c kylo -n "__fish_kylo_using_subcommand group; and __fish_seen_subcommand_from list" -l dry-run -d 'Show the plan and stop'
complete -c kylo -n "__fish_kylo_using_subcommand group; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kylo -n "__fish_kylo_using_subcommand group; and __fish_seen_subcommand_from describe" -s C -l profile -d 'Profile of your configuration to use' -r
complete -c kylo -n "__fish_kylo_using_subcommand group; and __fish_seen_subcommand_from describe" -s b -l brokers -l bootstrap-server -d 'Kafka brokers, comma separated' -r
complete -c kylo -n "__fish_kylo_using_subcommand group; and __fish_seen_subcommand_from describe" -l database-url -d 'Control database (better in KYLO_DATABASE_URL: a command line can be read by others)' -r
complete -c kylo -n "__fish_kylo_using_subcommand group; and __fish_seen_subcommand_from describe" -s X -d 'A setting: a librdkafka property or one of kylo\'s keys; `-X dump` shows each with its origin' -r
complete -c kylo -n "__fish_kylo_using_subcommand group; and __fish_seen_subcommand_from describe" -s o -l output -d 'Shape of data on stdout: table, wide, json, jsonl, yaml, csv [default: table]' -r -f -a "table\t'Aligned columns'
wide\t'Aligned columns, all of them'
json\t'One document'
jsonl\t'One object a line'
yaml\t'One document'
csv\t'Comma-separated, with a heading line'"
complete -c kylo -n "__fish_kylo_using_subcommand group; and __fish_seen_subcommand_from describe" -l color -d 'Use colour [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In a pipe too'
never\t'Not at all'"
complete -c kylo -n "__fish_kylo_using_subcommand group; and __fish_seen_subcommand_from describe" -l timeout -d 'How long one request may take (`10s`, `500ms`, `2m`) [default: 10s]' -r
complete -c kylo -n "__fish_kylo_using_subcommand group; and __fish_seen_subcommand_from describe" -l log-level -d 'What the log on stderr shows: off, error, warn, info, debug, trace, or `kylo=debug,rdkafka=info` [default: warn]' -r
complete -c kylo -n "__fish_kylo_using_subcommand group; and __fish_seen_subcommand_from describe" -l log-format -d 'Shape of the log [default: text]' -r -f -a "text\t''
json\t''"
complete -c kylo -n "__fish_kylo_using_subcommand group; and __fish_seen_subcommand_from describe" -l no-headers -d 'Leave out the headings of a table'
complete -c kylo -n "__fish_kylo_using_subcommand group; and __fish_seen_subcommand_from describe" -s q -l quiet -d 'Hide status lines and progress'
complete -c kylo -n "__fish_kylo_using_subcommand group; and __fish_seen_subcommand_from describe" -s v -l verbose -d 'Show details'
complete -c kylo -n "__fish_kylo_using_subcommand group; and __fish_seen_subcommand_from describe" -l no-input -d 'Never ask a question'
complete -c kylo -n "__fish_kylo_using_subcommand group; and __fish_seen_subcommand_from describe" -s y -l yes -l execute -d 'Do it without asking'
complete -c kylo -n "__fish_kylo_using_subcommand group; and __fish_seen_subcommand_from describe" -l dry-run -d 'Show the plan and stop'
complete -c kylo -n "__fish_kylo_using_subcommand group; and __fish_seen_subcommand_from describe" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and not __fish_seen_subcommand_from list show replay" -s C -l profile -d 'Profile of your configuration to use' -r
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and not __fish_seen_subcommand_from list show replay" -s b -l brokers -l bootstrap-server -d 'Kafka brokers, comma separated' -r
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and not __fish_seen_subcommand_from list show replay" -l database-url -d 'Control database (better in KYLO_DATABASE_URL: a command line can be read by others)' -r
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and not __fish_seen_subcommand_from list show replay" -s X -d 'A setting: a librdkafka property or one of kylo\'s keys; `-X dump` shows each with its origin' -r
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and not __fish_seen_subcommand_from list show replay" -s o -l output -d 'Shape of data on stdout: table, wide, json, jsonl, yaml, csv [default: table]' -r -f -a "table\t'Aligned columns'
wide\t'Aligned columns, all of them'
json\t'One document'
jsonl\t'One object a line'
yaml\t'One document'
csv\t'Comma-separated, with a heading line'"
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and not __fish_seen_subcommand_from list show replay" -l color -d 'Use colour [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In a pipe too'
never\t'Not at all'"
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and not __fish_seen_subcommand_from list show replay" -l timeout -d 'How long one request may take (`10s`, `500ms`, `2m`) [default: 10s]' -r
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and not __fish_seen_subcommand_from list show replay" -l log-level -d 'What the log on stderr shows: off, error, warn, info, debug, trace, or `kylo=debug,rdkafka=info` [default: warn]' -r
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and not __fish_seen_subcommand_from list show replay" -l log-format -d 'Shape of the log [default: text]' -r -f -a "text\t''
json\t''"
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and not __fish_seen_subcommand_from list show replay" -l no-headers -d 'Leave out the headings of a table'
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and not __fish_seen_subcommand_from list show replay" -s q -l quiet -d 'Hide status lines and progress'
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and not __fish_seen_subcommand_from list show replay" -s v -l verbose -d 'Show details'
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and not __fish_seen_subcommand_from list show replay" -l no-input -d 'Never ask a question'
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and not __fish_seen_subcommand_from list show replay" -s y -l yes -l execute -d 'Do it without asking'
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and not __fish_seen_subcommand_from list show replay" -l dry-run -d 'Show the plan and stop'
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and not __fish_seen_subcommand_from list show replay" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and not __fish_seen_subcommand_from list show replay" -f -a "list" -d 'list dead letters'
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and not __fish_seen_subcommand_from list show replay" -f -a "show" -d 'show one dead letter whole'
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and not __fish_seen_subcommand_from list show replay" -f -a "replay" -d 'send dead letters back to where they came from'
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from list" -l class -d 'Only this class; may be repeated' -r -f -a "permanent\t''
transient\t''
poison\t''
crash\t''"
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from list" -l kind -d 'Only this kind of failure, as `kylo dlq list` shows it; may be repeated' -r
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from list" -l topic -d 'Only letters that came from this topic; may be repeated' -r
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from list" -l key -d 'Only letters with this key; may be repeated' -r
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from list" -s C -l profile -d 'Profile of your configuration to use' -r
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from list" -s b -l brokers -l bootstrap-server -d 'Kafka brokers, comma separated' -r
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from list" -l database-url -d 'Control database (better in KYLO_DATABASE_URL: a command line can be read by others)' -r
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from list" -s X -d 'A setting: a librdkafka property or one of kylo\'s keys; `-X dump` shows each with its origin' -r
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from list" -s o -l output -d 'Shape of data on stdout: table, wide, json, jsonl, yaml, csv [default: table]' -r -f -a "table\t'Aligned columns'
wide\t'Aligned columns, all of them'
json\t'One document'
jsonl\t'One object a line'
yaml\t'One document'
csv\t'Comma-separated, with a heading line'"
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from list" -l color -d 'Use colour [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In a pipe too'
never\t'Not at all'"
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from list" -l timeout -d 'How long one request may take (`10s`, `500ms`, `2m`) [default: 10s]' -r
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from list" -l log-level -d 'What the log on stderr shows: off, error, warn, info, debug, trace, or `kylo=debug,rdkafka=info` [default: warn]' -r
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from list" -l log-format -d 'Shape of the log [default: text]' -r -f -a "text\t''
json\t''"
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from list" -s a -l all -d 'Show those that were sent back too, as far as the topic still holds them'
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from list" -l no-headers -d 'Leave out the headings of a table'
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Hide status lines and progress'
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Show details'
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from list" -l no-input -d 'Never ask a question'
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from list" -s y -l yes -l execute -d 'Do it without asking'
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from list" -l dry-run -d 'Show the plan and stop'
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from show" -s C -l profile -d 'Profile of your configuration to use' -r
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from show" -s b -l brokers -l bootstrap-server -d 'Kafka brokers, comma separated' -r
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from show" -l database-url -d 'Control database (better in KYLO_DATABASE_URL: a command line can be read by others)' -r
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from show" -s X -d 'A setting: a librdkafka property or one of kylo\'s keys; `-X dump` shows each with its origin' -r
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from show" -s o -l output -d 'Shape of data on stdout: table, wide, json, jsonl, yaml, csv [default: table]' -r -f -a "table\t'Aligned columns'
wide\t'Aligned columns, all of them'
json\t'One document'
jsonl\t'One object a line'
yaml\t'One document'
csv\t'Comma-separated, with a heading line'"
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from show" -l color -d 'Use colour [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In a pipe too'
never\t'Not at all'"
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from show" -l timeout -d 'How long one request may take (`10s`, `500ms`, `2m`) [default: 10s]' -r
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from show" -l log-level -d 'What the log on stderr shows: off, error, warn, info, debug, trace, or `kylo=debug,rdkafka=info` [default: warn]' -r
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from show" -l log-format -d 'Shape of the log [default: text]' -r -f -a "text\t''
json\t''"
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from show" -l raw -d 'Only the value\'s bytes, without a line end'
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from show" -l no-headers -d 'Leave out the headings of a table'
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Hide status lines and progress'
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Show details'
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from show" -l no-input -d 'Never ask a question'
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from show" -s y -l yes -l execute -d 'Do it without asking'
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from show" -l dry-run -d 'Show the plan and stop'
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l max-retries -d 'Leave a letter where it is once it was sent back this often' -r
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l to-topic -d 'Send to this topic instead of the letter\'s own' -r
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l limit -d 'Send at most this many' -r
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l class -d 'Only this class; may be repeated' -r -f -a "permanent\t''
transient\t''
poison\t''
crash\t''"
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l kind -d 'Only this kind of failure, as `kylo dlq list` shows it; may be repeated' -r
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l topic -d 'Only letters that came from this topic; may be repeated' -r
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l key -d 'Only letters with this key; may be repeated' -r
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from replay" -s C -l profile -d 'Profile of your configuration to use' -r
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from replay" -s b -l brokers -l bootstrap-server -d 'Kafka brokers, comma separated' -r
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l database-url -d 'Control database (better in KYLO_DATABASE_URL: a command line can be read by others)' -r
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from replay" -s X -d 'A setting: a librdkafka property or one of kylo\'s keys; `-X dump` shows each with its origin' -r
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from replay" -s o -l output -d 'Shape of data on stdout: table, wide, json, jsonl, yaml, csv [default: table]' -r -f -a "table\t'Aligned columns'
wide\t'Aligned columns, all of them'
json\t'One document'
jsonl\t'One object a line'
yaml\t'One document'
csv\t'Comma-separated, with a heading line'"
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l color -d 'Use colour [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In a pipe too'
never\t'Not at all'"
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l timeout -d 'How long one request may take (`10s`, `500ms`, `2m`) [default: 10s]' -r
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l log-level -d 'What the log on stderr shows: off, error, warn, info, debug, trace, or `kylo=debug,rdkafka=info` [default: warn]' -r
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l log-format -d 'Shape of the log [default: text]' -r -f -a "text\t''
json\t''"
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l no-headers -d 'Leave out the headings of a table'
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from replay" -s q -l quiet -d 'Hide status lines and progress'
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from replay" -s v -l verbose -d 'Show details'
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l no-input -d 'Never ask a question'
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from replay" -s y -l yes -l execute -d 'Do it without asking'
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from replay" -l dry-run -d 'Show the plan and stop'
complete -c kylo -n "__fish_kylo_using_subcommand dlq; and __fish_seen_subcommand_from replay" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kylo -n "__fish_kylo_using_subcommand db; and not __fish_seen_subcommand_from migrate status" -s C -l profile -d 'Profile of your configuration to use' -r
complete -c kylo -n "__fish_kylo_using_subcommand db; and not __fish_seen_subcommand_from migrate status" -s b -l brokers -l bootstrap-server -d 'Kafka brokers, comma separated' -r
complete -c kylo -n "__fish_kylo_using_subcommand db; and not __fish_seen_subcommand_from migrate status" -l database-url -d 'Control database (better in KYLO_DATABASE_URL: a command line can be read by others)' -r
complete -c kylo -n "__fish_kylo_using_subcommand db; and not __fish_seen_subcommand_from migrate status" -s X -d 'A setting: a librdkafka property or one of kylo\'s keys; `-X dump` shows each with its origin' -r
complete -c kylo -n "__fish_kylo_using_subcommand db; and not __fish_seen_subcommand_from migrate status" -s o -l output -d 'Shape of data on stdout: table, wide, json, jsonl, yaml, csv [default: table]' -r -f -a "table\t'Aligned columns'
wide\t'Aligned columns, all of them'
json\t'One document'
jsonl\t'One object a line'
yaml\t'One document'
csv\t'Comma-separated, with a heading line'"
complete -c kylo -n "__fish_kylo_using_subcommand db; and not __fish_seen_subcommand_from migrate status" -l color -d 'Use colour [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In a pipe too'
never\t'Not at all'"
complete -c kylo -n "__fish_kylo_using_subcommand db; and not __fish_seen_subcommand_from migrate status" -l timeout -d 'How long one request may take (`10s`, `500ms`, `2m`) [default: 10s]' -r
complete -c kylo -n "__fish_kylo_using_subcommand db; and not __fish_seen_subcommand_from migrate status" -l log-level -d 'What the log on stderr shows: off, error, warn, info, debug, trace, or `kylo=debug,rdkafka=info` [default: warn]' -r
complete -c kylo -n "__fish_kylo_using_subcommand db; and not __fish_seen_subcommand_from migrate status" -l log-format -d 'Shape of the log [default: text]' -r -f -a "text\t''
json\t''"
complete -c kylo -n "__fish_kylo_using_subcommand db; and not __fish_seen_subcommand_from migrate status" -l no-headers -d 'Leave out the headings of a table'
complete -c kylo -n "__fish_kylo_using_subcommand db; and not __fish_seen_subcommand_from migrate status" -s q -l quiet -d 'Hide status lines and progress'
complete -c kylo -n "__fish_kylo_using_subcommand db; and not __fish_seen_subcommand_from migrate status" -s v -l verbose -d 'Show details'
complete -c kylo -n "__fish_kylo_using_subcommand db; and not __fish_seen_subcommand_from migrate status" -l no-input -d 'Never ask a question'
complete -c kylo -n "__fish_kylo_using_subcommand db; and not __fish_seen_subcommand_from migrate status" -s y -l yes -l execute -d 'Do it without asking'
complete -c kylo -n "__fish_kylo_using_subcommand db; and not __fish_seen_subcommand_from migrate status" -l dry-run -d 'Show the plan and stop'
complete -c kylo -n "__fish_kylo_using_subcommand db; and not __fish_seen_subcommand_from migrate status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kylo -n "__fish_kylo_using_subcommand db; and not __fish_seen_subcommand_from migrate status" -f -a "migrate" -d 'bring the databases to the schema this binary needs'
complete -c kylo -n "__fish_kylo_using_subcommand db; and not __fish_seen_subcommand_from migrate status" -f -a "status" -d 'show which migrations are applied'
complete -c kylo -n "__fish_kylo_using_subcommand db; and __fish_seen_subcommand_from migrate" -s C -l profile -d 'Profile of your configuration to use' -r
complete -c kylo -n "__fish_kylo_using_subcommand db; and __fish_seen_subcommand_from migrate" -s b -l brokers -l bootstrap-server -d 'Kafka brokers, comma separated' -r
complete -c kylo -n "__fish_kylo_using_subcommand db; and __fish_seen_subcommand_from migrate" -l database-url -d 'Control database (better in KYLO_DATABASE_URL: a command line can be read by others)' -r
complete -c kylo -n "__fish_kylo_using_subcommand db; and __fish_seen_subcommand_from migrate" -s X -d 'A setting: a librdkafka property or one of kylo\'s keys; `-X dump` shows each with its origin' -r
complete -c kylo -n "__fish_kylo_using_subcommand db; and __fish_seen_subcommand_from migrate" -s o -l output -d 'Shape of data on stdout: table, wide, json, jsonl, yaml, csv [default: table]' -r -f -a "table\t'Aligned columns'
wide\t'Aligned columns, all of them'
json\t'One document'
jsonl\t'One object a line'
yaml\t'One document'
csv\t'Comma-separated, with a heading line'"
complete -c kylo -n "__fish_kylo_using_subcommand db; and __fish_seen_subcommand_from migrate" -l color -d 'Use colour [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In a pipe too'
never\t'Not at all'"
complete -c kylo -n "__fish_kylo_using_subcommand db; and __fish_seen_subcommand_from migrate" -l timeout -d 'How long one request may take (`10s`, `500ms`, `2m`) [default: 10s]' -r
complete -c kylo -n "__fish_kylo_using_subcommand db; and __fish_seen_subcommand_from migrate" -l log-level -d 'What the log on stderr shows: off, error, warn, info, debug, trace, or `kylo=debug,rdkafka=info` [default: warn]' -r
complete -c kylo -n "__fish_kylo_using_subcommand db; and __fish_seen_subcommand_from migrate" -l log-format -d 'Shape of the log [default: text]' -r -f -a "text\t''
json\t''"
complete -c kylo -n "__fish_kylo_using_subcommand db; and __fish_seen_subcommand_from migrate" -l no-headers -d 'Leave out the headings of a table'
complete -c kylo -n "__fish_kylo_using_subcommand db; and __fish_seen_subcommand_from migrate" -s q -l quiet -d 'Hide status lines and progress'
complete -c kylo -n "__fish_kylo_using_subcommand db; and __fish_seen_subcommand_from migrate" -s v -l verbose -d 'Show details'
complete -c kylo -n "__fish_kylo_using_subcommand db; and __fish_seen_subcommand_from migrate" -l no-input -d 'Never ask a question'
complete -c kylo -n "__fish_kylo_using_subcommand db; and __fish_seen_subcommand_from migrate" -s y -l yes -l execute -d 'Do it without asking'
complete -c kylo -n "__fish_kylo_using_subcommand db; and __fish_seen_subcommand_from migrate" -l dry-run -d 'Show the plan and stop'
complete -c kylo -n "__fish_kylo_using_subcommand db; and __fish_seen_subcommand_from migrate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kylo -n "__fish_kylo_using_subcommand db; and __fish_seen_subcommand_from status" -s C -l profile -d 'Profile of your configuration to use' -r
complete -c kylo -n "__fish_kylo_using_subcommand db; and __fish_seen_subcommand_from status" -s b -l brokers -l bootstrap-server -d 'Kafka brokers, comma separated' -r
complete -c kylo -n "__fish_kylo_using_subcommand db; and __fish_seen_subcommand_from status" -l database-url -d 'Control database (better in KYLO_DATABASE_URL: a command line can be read by others)' -r
complete -c kylo -n "__fish_kylo_using_subcommand db; and __fish_seen_subcommand_from status" -s X -d 'A setting: a librdkafka property or one of kylo\'s keys; `-X dump` shows each with its origin' -r
complete -c kylo -n "__fish_kylo_using_subcommand db; and __fish_seen_subcommand_from status" -s o -l output -d 'Shape of data on stdout: table, wide, json, jsonl, yaml, csv [default: table]' -r -f -a "table\t'Aligned columns'
wide\t'Aligned columns, all of them'
json\t'One document'
jsonl\t'One object a line'
yaml\t'One document'
csv\t'Comma-separated, with a heading line'"
complete -c kylo -n "__fish_kylo_using_subcommand db; and __fish_seen_subcommand_from status" -l color -d 'Use colour [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In a pipe too'
never\t'Not at all'"
complete -c kylo -n "__fish_kylo_using_subcommand db; and __fish_seen_subcommand_from status" -l timeout -d 'How long one request may take (`10s`, `500ms`, `2m`) [default: 10s]' -r
complete -c kylo -n "__fish_kylo_using_subcommand db; and __fish_seen_subcommand_from status" -l log-level -d 'What the log on stderr shows: off, error, warn, info, debug, trace, or `kylo=debug,rdkafka=info` [default: warn]' -r
complete -c kylo -n "__fish_kylo_using_subcommand db; and __fish_seen_subcommand_from status" -l log-format -d 'Shape of the log [default: text]' -r -f -a "text\t''
json\t''"
complete -c kylo -n "__fish_kylo_using_subcommand db; and __fish_seen_subcommand_from status" -l no-headers -d 'Leave out the headings of a table'
complete -c kylo -n "__fish_kylo_using_subcommand db; and __fish_seen_subcommand_from status" -s q -l quiet -d 'Hide status lines and progress'
complete -c kylo -n "__fish_kylo_using_subcommand db; and __fish_seen_subcommand_from status" -s v -l verbose -d 'Show details'
complete -c kylo -n "__fish_kylo_using_subcommand db; and __fish_seen_subcommand_from status" -l no-input -d 'Never ask a question'
complete -c kylo -n "__fish_kylo_using_subcommand db; and __fish_seen_subcommand_from status" -s y -l yes -l execute -d 'Do it without asking'
complete -c kylo -n "__fish_kylo_using_subcommand db; and __fish_seen_subcommand_from status" -l dry-run -d 'Show the plan and stop'
complete -c kylo -n "__fish_kylo_using_subcommand db; and __fish_seen_subcommand_from status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kylo -n "__fish_kylo_using_subcommand seed" -s C -l profile -d 'Profile of your configuration to use' -r
complete -c kylo -n "__fish_kylo_using_subcommand seed" -s b -l brokers -l bootstrap-server -d 'Kafka brokers, comma separated' -r
complete -c kylo -n "__fish_kylo_using_subcommand seed" -l database-url -d 'Control database (better in KYLO_DATABASE_URL: a command line can be read by others)' -r
complete -c kylo -n "__fish_kylo_using_subcommand seed" -s X -d 'A setting: a librdkafka property or one of kylo\'s keys; `-X dump` shows each with its origin' -r
complete -c kylo -n "__fish_kylo_using_subcommand seed" -s o -l output -d 'Shape of data on stdout: table, wide, json, jsonl, yaml, csv [default: table]' -r -f -a "table\t'Aligned columns'
wide\t'Aligned columns, all of them'
json\t'One document'
jsonl\t'One object a line'
yaml\t'One document'
csv\t'Comma-separated, with a heading line'"
complete -c kylo -n "__fish_kylo_using_subcommand seed" -l color -d 'Use colour [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In a pipe too'
never\t'Not at all'"
complete -c kylo -n "__fish_kylo_using_subcommand seed" -l timeout -d 'How long one request may take (`10s`, `500ms`, `2m`) [default: 10s]' -r
complete -c kylo -n "__fish_kylo_using_subcommand seed" -l log-level -d 'What the log on stderr shows: off, error, warn, info, debug, trace, or `kylo=debug,rdkafka=info` [default: warn]' -r
complete -c kylo -n "__fish_kylo_using_subcommand seed" -l log-format -d 'Shape of the log [default: text]' -r -f -a "text\t''
json\t''"
complete -c kylo -n "__fish_kylo_using_subcommand seed" -l prune -d 'Remove companies that the file lacks, never one that has data'
complete -c kylo -n "__fish_kylo_using_subcommand seed" -l no-headers -d 'Leave out the headings of a table'
complete -c kylo -n "__fish_kylo_using_subcommand seed" -s q -l quiet -d 'Hide status lines and progress'
complete -c kylo -n "__fish_kylo_using_subcommand seed" -s v -l verbose -d 'Show details'
complete -c kylo -n "__fish_kylo_using_subcommand seed" -l no-input -d 'Never ask a question'
complete -c kylo -n "__fish_kylo_using_subcommand seed" -s y -l yes -l execute -d 'Do it without asking'
complete -c kylo -n "__fish_kylo_using_subcommand seed" -l dry-run -d 'Show the plan and stop'
complete -c kylo -n "__fish_kylo_using_subcommand seed" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kylo -n "__fish_kylo_using_subcommand rules; and not __fish_seen_subcommand_from import" -s C -l profile -d 'Profile of your configuration to use' -r
complete -c kylo -n "__fish_kylo_using_subcommand rules; and not __fish_seen_subcommand_from import" -s b -l brokers -l bootstrap-server -d 'Kafka brokers, comma separated' -r
complete -c kylo -n "__fish_kylo_using_subcommand rules; and not __fish_seen_subcommand_from import" -l database-url -d 'Control database (better in KYLO_DATABASE_URL: a command line can be read by others)' -r
complete -c kylo -n "__fish_kylo_using_subcommand rules; and not __fish_seen_subcommand_from import" -s X -d 'A setting: a librdkafka property or one of kylo\'s keys; `-X dump` shows each with its origin' -r
complete -c kylo -n "__fish_kylo_using_subcommand rules; and not __fish_seen_subcommand_from import" -s o -l output -d 'Shape of data on stdout: table, wide, json, jsonl, yaml, csv [default: table]' -r -f -a "table\t'Aligned columns'
wide\t'Aligned columns, all of them'
json\t'One document'
jsonl\t'One object a line'
yaml\t'One document'
csv\t'Comma-separated, with a heading line'"
complete -c kylo -n "__fish_kylo_using_subcommand rules; and not __fish_seen_subcommand_from import" -l color -d 'Use colour [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In a pipe too'
never\t'Not at all'"
complete -c kylo -n "__fish_kylo_using_subcommand rules; and not __fish_seen_subcommand_from import" -l timeout -d 'How long one request may take (`10s`, `500ms`, `2m`) [default: 10s]' -r
complete -c kylo -n "__fish_kylo_using_subcommand rules; and not __fish_seen_subcommand_from import" -l log-level -d 'What the log on stderr shows: off, error, warn, info, debug, trace, or `kylo=debug,rdkafka=info` [default: warn]' -r
complete -c kylo -n "__fish_kylo_using_subcommand rules; and not __fish_seen_subcommand_from import" -l log-format -d 'Shape of the log [default: text]' -r -f -a "text\t''
json\t''"
complete -c kylo -n "__fish_kylo_using_subcommand rules; and not __fish_seen_subcommand_from import" -l no-headers -d 'Leave out the headings of a table'
complete -c kylo -n "__fish_kylo_using_subcommand rules; and not __fish_seen_subcommand_from import" -s q -l quiet -d 'Hide status lines and progress'
complete -c kylo -n "__fish_kylo_using_subcommand rules; and not __fish_seen_subcommand_from import" -s v -l verbose -d 'Show details'
complete -c kylo -n "__fish_kylo_using_subcommand rules; and not __fish_seen_subcommand_from import" -l no-input -d 'Never ask a question'
complete -c kylo -n "__fish_kylo_using_subcommand rules; and not __fish_seen_subcommand_from import" -s y -l yes -l execute -d 'Do it without asking'
complete -c kylo -n "__fish_kylo_using_subcommand rules; and not __fish_seen_subcommand_from import" -l dry-run -d 'Show the plan and stop'
complete -c kylo -n "__fish_kylo_using_subcommand rules; and not __fish_seen_subcommand_from import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kylo -n "__fish_kylo_using_subcommand rules; and not __fish_seen_subcommand_from import" -f -a "import" -d 'approve the rules of a CSV file'
complete -c kylo -n "__fish_kylo_using_subcommand rules; and __fish_seen_subcommand_from import" -s C -l profile -d 'Profile of your configuration to use' -r
complete -c kylo -n "__fish_kylo_using_subcommand rules; and __fish_seen_subcommand_from import" -s b -l brokers -l bootstrap-server -d 'Kafka brokers, comma separated' -r
complete -c kylo -n "__fish_kylo_using_subcommand rules; and __fish_seen_subcommand_from import" -l database-url -d 'Control database (better in KYLO_DATABASE_URL: a command line can be read by others)' -r
complete -c kylo -n "__fish_kylo_using_subcommand rules; and __fish_seen_subcommand_from import" -s X -d 'A setting: a librdkafka property or one of kylo\'s keys; `-X dump` shows each with its origin' -r
complete -c kylo -n "__fish_kylo_using_subcommand rules; and __fish_seen_subcommand_from import" -s o -l output -d 'Shape of data on stdout: table, wide, json, jsonl, yaml, csv [default: table]' -r -f -a "table\t'Aligned columns'
wide\t'Aligned columns, all of them'
json\t'One document'
jsonl\t'One object a line'
yaml\t'One document'
csv\t'Comma-separated, with a heading line'"
complete -c kylo -n "__fish_kylo_using_subcommand rules; and __fish_seen_subcommand_from import" -l color -d 'Use colour [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In a pipe too'
never\t'Not at all'"
complete -c kylo -n "__fish_kylo_using_subcommand rules; and __fish_seen_subcommand_from import" -l timeout -d 'How long one request may take (`10s`, `500ms`, `2m`) [default: 10s]' -r
complete -c kylo -n "__fish_kylo_using_subcommand rules; and __fish_seen_subcommand_from import" -l log-level -d 'What the log on stderr shows: off, error, warn, info, debug, trace, or `kylo=debug,rdkafka=info` [default: warn]' -r
complete -c kylo -n "__fish_kylo_using_subcommand rules; and __fish_seen_subcommand_from import" -l log-format -d 'Shape of the log [default: text]' -r -f -a "text\t''
json\t''"
complete -c kylo -n "__fish_kylo_using_subcommand rules; and __fish_seen_subcommand_from import" -l no-headers -d 'Leave out the headings of a table'
complete -c kylo -n "__fish_kylo_using_subcommand rules; and __fish_seen_subcommand_from import" -s q -l quiet -d 'Hide status lines and progress'
complete -c kylo -n "__fish_kylo_using_subcommand rules; and __fish_seen_subcommand_from import" -s v -l verbose -d 'Show details'
complete -c kylo -n "__fish_kylo_using_subcommand rules; and __fish_seen_subcommand_from import" -l no-input -d 'Never ask a question'
complete -c kylo -n "__fish_kylo_using_subcommand rules; and __fish_seen_subcommand_from import" -s y -l yes -l execute -d 'Do it without asking'
complete -c kylo -n "__fish_kylo_using_subcommand rules; and __fish_seen_subcommand_from import" -l dry-run -d 'Show the plan and stop'
complete -c kylo -n "__fish_kylo_using_subcommand rules; and __fish_seen_subcommand_from import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kylo -n "__fish_kylo_using_subcommand send; and not __fish_seen_subcommand_from txns promote" -s C -l profile -d 'Profile of your configuration to use' -r
complete -c kylo -n "__fish_kylo_using_subcommand send; and not __fish_seen_subcommand_from txns promote" -s b -l brokers -l bootstrap-server -d 'Kafka brokers, comma separated' -r
complete -c kylo -n "__fish_kylo_using_subcommand send; and not __fish_seen_subcommand_from txns promote" -l database-url -d 'Control database (better in KYLO_DATABASE_URL: a command line can be read by others)' -r
complete -c kylo -n "__fish_kylo_using_subcommand send; and not __fish_seen_subcommand_from txns promote" -s X -d 'A setting: a librdkafka property or one of kylo\'s keys; `-X dump` shows each with its origin' -r
complete -c kylo -n "__fish_kylo_using_subcommand send; and not __fish_seen_subcommand_from txns promote" -s o -l output -d 'Shape of data on stdout: table, wide, json, jsonl, yaml, csv [default: table]' -r -f -a "table\t'Aligned columns'
wide\t'Aligned columns, all of them'
json\t'One document'
jsonl\t'One object a line'
yaml\t'One document'
csv\t'Comma-separated, with a heading line'"
complete -c kylo -n "__fish_kylo_using_subcommand send; and not __fish_seen_subcommand_from txns promote" -l color -d 'Use colour [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In a pipe too'
never\t'Not at all'"
complete -c kylo -n "__fish_kylo_using_subcommand send; and not __fish_seen_subcommand_from txns promote" -l timeout -d 'How long one request may take (`10s`, `500ms`, `2m`) [default: 10s]' -r
complete -c kylo -n "__fish_kylo_using_subcommand send; and not __fish_seen_subcommand_from txns promote" -l log-level -d 'What the log on stderr shows: off, error, warn, info, debug, trace, or `kylo=debug,rdkafka=info` [default: warn]' -r
complete -c kylo -n "__fish_kylo_using_subcommand send; and not __fish_seen_subcommand_from txns promote" -l log-format -d 'Shape of the log [default: text]' -r -f -a "text\t''
json\t''"
complete -c kylo -n "__fish_kylo_using_subcommand send; and not __fish_seen_subcommand_from txns promote" -l no-headers -d 'Leave out the headings of a table'
complete -c kylo -n "__fish_kylo_using_subcommand send; and not __fish_seen_subcommand_from txns promote" -s q -l quiet -d 'Hide status lines and progress'
complete -c kylo -n "__fish_kylo_using_subcommand send; and not __fish_seen_subcommand_from txns promote" -s v -l verbose -d 'Show details'
complete -c kylo -n "__fish_kylo_using_subcommand send; and not __fish_seen_subcommand_from txns promote" -l no-input -d 'Never ask a question'
complete -c kylo -n "__fish_kylo_using_subcommand send; and not __fish_seen_subcommand_from txns promote" -s y -l yes -l execute -d 'Do it without asking'
complete -c kylo -n "__fish_kylo_using_subcommand send; and not __fish_seen_subcommand_from txns promote" -l dry-run -d 'Show the plan and stop'
complete -c kylo -n "__fish_kylo_using_subcommand send; and not __fish_seen_subcommand_from txns promote" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kylo -n "__fish_kylo_using_subcommand send; and not __fish_seen_subcommand_from txns promote" -f -a "txns" -d 'publish bank transactions'
complete -c kylo -n "__fish_kylo_using_subcommand send; and not __fish_seen_subcommand_from txns promote" -f -a "promote" -d 'ask for approved rules to be promoted'
complete -c kylo -n "__fish_kylo_using_subcommand send; and __fish_seen_subcommand_from txns" -l source -d 'The account a CSV without ids was exported from; ids are made from it' -r
complete -c kylo -n "__fish_kylo_using_subcommand send; and __fish_seen_subcommand_from txns" -s C -l profile -d 'Profile of your configuration to use' -r
complete -c kylo -n "__fish_kylo_using_subcommand send; and __fish_seen_subcommand_from txns" -s b -l brokers -l bootstrap-server -d 'Kafka brokers, comma separated' -r
complete -c kylo -n "__fish_kylo_using_subcommand send; and __fish_seen_subcommand_from txns" -l database-url -d 'Control database (better in KYLO_DATABASE_URL: a command line can be read by others)' -r
complete -c kylo -n "__fish_kylo_using_subcommand send; and __fish_seen_subcommand_from txns" -s X -d 'A setting: a librdkafka property or one of kylo\'s keys; `-X dump` shows each with its origin' -r
complete -c kylo -n "__fish_kylo_using_subcommand send; and __fish_seen_subcommand_from txns" -s o -l output -d 'Shape of data on stdout: table, wide, json, jsonl, yaml, csv [default: table]' -r -f -a "table\t'Aligned columns'
wide\t'Aligned columns, all of them'
json\t'One document'
jsonl\t'One object a line'
yaml\t'One document'
csv\t'Comma-separated, with a heading line'"
complete -c kylo -n "__fish_kylo_using_subcommand send; and __fish_seen_subcommand_from txns" -l color -d 'Use colour [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In a pipe too'
never\t'Not at all'"
complete -c kylo -n "__fish_kylo_using_subcommand send; and __fish_seen_subcommand_from txns" -l timeout -d 'How long one request may take (`10s`, `500ms`, `2m`) [default: 10s]' -r
complete -c kylo -n "__fish_kylo_using_subcommand send; and __fish_seen_subcommand_from txns" -l log-level -d 'What the log on stderr shows: off, error, warn, info, debug, trace, or `kylo=debug,rdkafka=info` [default: warn]' -r
complete -c kylo -n "__fish_kylo_using_subcommand send; and __fish_seen_subcommand_from txns" -l log-format -d 'Shape of the log [default: text]' -r -f -a "text\t''
json\t''"
complete -c kylo -n "__fish_kylo_using_subcommand send; and __fish_seen_subcommand_from txns" -l direct -d 'Store them in this process, without Kafka'
complete -c kylo -n "__fish_kylo_using_subcommand send; and __fish_seen_subcommand_from txns" -l no-headers -d 'Leave out the headings of a table'
complete -c kylo -n "__fish_kylo_using_subcommand send; and __fish_seen_subcommand_from txns" -s q -l quiet -d 'Hide status lines and progress'
complete -c kylo -n "__fish_kylo_using_subcommand send; and __fish_seen_subcommand_from txns" -s v -l verbose -d 'Show details'
complete -c kylo -n "__fish_kylo_using_subcommand send; and __fish_seen_subcommand_from txns" -l no-input -d 'Never ask a question'
complete -c kylo -n "__fish_kylo_using_subcommand send; and __fish_seen_subcommand_from txns" -s y -l yes -l execute -d 'Do it without asking'
complete -c kylo -n "__fish_kylo_using_subcommand send; and __fish_seen_subcommand_from txns" -l dry-run -d 'Show the plan and stop'
complete -c kylo -n "__fish_kylo_using_subcommand send; and __fish_seen_subcommand_from txns" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kylo -n "__fish_kylo_using_subcommand send; and __fish_seen_subcommand_from promote" -l company -d 'Only this company (may be given more than once); else every seeded company' -r
complete -c kylo -n "__fish_kylo_using_subcommand send; and __fish_seen_subcommand_from promote" -s C -l profile -d 'Profile of your configuration to use' -r
complete -c kylo -n "__fish_kylo_using_subcommand send; and __fish_seen_subcommand_from promote" -s b -l brokers -l bootstrap-server -d 'Kafka brokers, comma separated' -r
complete -c kylo -n "__fish_kylo_using_subcommand send; and __fish_seen_subcommand_from promote" -l database-url -d 'Control database (better in KYLO_DATABASE_URL: a command line can be read by others)' -r
complete -c kylo -n "__fish_kylo_using_subcommand send; and __fish_seen_subcommand_from promote" -s X -d 'A setting: a librdkafka property or one of kylo\'s keys; `-X dump` shows each with its origin' -r
complete -c kylo -n "__fish_kylo_using_subcommand send; and __fish_seen_subcommand_from promote" -s o -l output -d 'Shape of data on stdout: table, wide, json, jsonl, yaml, csv [default: table]' -r -f -a "table\t'Aligned columns'
wide\t'Aligned columns, all of them'
json\t'One document'
jsonl\t'One object a line'
yaml\t'One document'
csv\t'Comma-separated, with a heading line'"
complete -c kylo -n "__fish_kylo_using_subcommand send; and __fish_seen_subcommand_from promote" -l color -d 'Use colour [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In a pipe too'
never\t'Not at all'"
complete -c kylo -n "__fish_kylo_using_subcommand send; and __fish_seen_subcommand_from promote" -l timeout -d 'How long one request may take (`10s`, `500ms`, `2m`) [default: 10s]' -r
complete -c kylo -n "__fish_kylo_using_subcommand send; and __fish_seen_subcommand_from promote" -l log-level -d 'What the log on stderr shows: off, error, warn, info, debug, trace, or `kylo=debug,rdkafka=info` [default: warn]' -r
complete -c kylo -n "__fish_kylo_using_subcommand send; and __fish_seen_subcommand_from promote" -l log-format -d 'Shape of the log [default: text]' -r -f -a "text\t''
json\t''"
complete -c kylo -n "__fish_kylo_using_subcommand send; and __fish_seen_subcommand_from promote" -l direct -d 'Promote in this process, without Kafka'
complete -c kylo -n "__fish_kylo_using_subcommand send; and __fish_seen_subcommand_from promote" -l no-headers -d 'Leave out the headings of a table'
complete -c kylo -n "__fish_kylo_using_subcommand send; and __fish_seen_subcommand_from promote" -s q -l quiet -d 'Hide status lines and progress'
complete -c kylo -n "__fish_kylo_using_subcommand send; and __fish_seen_subcommand_from promote" -s v -l verbose -d 'Show details'
complete -c kylo -n "__fish_kylo_using_subcommand send; and __fish_seen_subcommand_from promote" -l no-input -d 'Never ask a question'
complete -c kylo -n "__fish_kylo_using_subcommand send; and __fish_seen_subcommand_from promote" -s y -l yes -l execute -d 'Do it without asking'
complete -c kylo -n "__fish_kylo_using_subcommand send; and __fish_seen_subcommand_from promote" -l dry-run -d 'Show the plan and stop'
complete -c kylo -n "__fish_kylo_using_subcommand send; and __fish_seen_subcommand_from promote" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kylo -n "__fish_kylo_using_subcommand consume" -l pipeline -d 'The pipeline of --all' -r
complete -c kylo -n "__fish_kylo_using_subcommand consume" -l concurrency -d 'Handlers at once, for each consumer' -r
complete -c kylo -n "__fish_kylo_using_subcommand consume" -l idle-timeout -d 'With --exit-when-idle: give up when nothing has moved for this long (`30s`, `2m`)' -r
complete -c kylo -n "__fish_kylo_using_subcommand consume" -l on-lost -d 'When records were deleted before they were read, or the log ends before what the group committed (then `continue` reads it from its start)' -r -f -a "stop\t''
continue\t''"
complete -c kylo -n "__fish_kylo_using_subcommand consume" -l metrics-port -d 'Answer /metrics, /healthz and /readyz on this port; 0 takes a free one and says which' -r
complete -c kylo -n "__fish_kylo_using_subcommand consume" -l metrics-listen -d 'The address of --metrics-port; whoever reaches it may read' -r
complete -c kylo -n "__fish_kylo_using_subcommand consume" -s C -l profile -d 'Profile of your configuration to use' -r
complete -c kylo -n "__fish_kylo_using_subcommand consume" -s b -l brokers -l bootstrap-server -d 'Kafka brokers, comma separated' -r
complete -c kylo -n "__fish_kylo_using_subcommand consume" -l database-url -d 'Control database (better in KYLO_DATABASE_URL: a command line can be read by others)' -r
complete -c kylo -n "__fish_kylo_using_subcommand consume" -s X -d 'A setting: a librdkafka property or one of kylo\'s keys; `-X dump` shows each with its origin' -r
complete -c kylo -n "__fish_kylo_using_subcommand consume" -s o -l output -d 'Shape of data on stdout: table, wide, json, jsonl, yaml, csv [default: table]' -r -f -a "table\t'Aligned columns'
wide\t'Aligned columns, all of them'
json\t'One document'
jsonl\t'One object a line'
yaml\t'One document'
csv\t'Comma-separated, with a heading line'"
complete -c kylo -n "__fish_kylo_using_subcommand consume" -l color -d 'Use colour [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In a pipe too'
never\t'Not at all'"
complete -c kylo -n "__fish_kylo_using_subcommand consume" -l timeout -d 'How long one request may take (`10s`, `500ms`, `2m`) [default: 10s]' -r
complete -c kylo -n "__fish_kylo_using_subcommand consume" -l log-level -d 'What the log on stderr shows: off, error, warn, info, debug, trace, or `kylo=debug,rdkafka=info` [default: warn]' -r
complete -c kylo -n "__fish_kylo_using_subcommand consume" -l log-format -d 'Shape of the log [default: text]' -r -f -a "text\t''
json\t''"
complete -c kylo -n "__fish_kylo_using_subcommand consume" -l all -d 'All consumers of a pipeline'
complete -c kylo -n "__fish_kylo_using_subcommand consume" -l shadow -d 'Everything but outside writes'
complete -c kylo -n "__fish_kylo_using_subcommand consume" -l live -d 'Outside writes too'
complete -c kylo -n "__fish_kylo_using_subcommand consume" -l exit-when-idle -d 'End when everything there was is done and committed'
complete -c kylo -n "__fish_kylo_using_subcommand consume" -l no-flood-stop -d 'Go on however many records in a row are dead-lettered'
complete -c kylo -n "__fish_kylo_using_subcommand consume" -l no-headers -d 'Leave out the headings of a table'
complete -c kylo -n "__fish_kylo_using_subcommand consume" -s q -l quiet -d 'Hide status lines and progress'
complete -c kylo -n "__fish_kylo_using_subcommand consume" -s v -l verbose -d 'Show details'
complete -c kylo -n "__fish_kylo_using_subcommand consume" -l no-input -d 'Never ask a question'
complete -c kylo -n "__fish_kylo_using_subcommand consume" -s y -l yes -l execute -d 'Do it without asking'
complete -c kylo -n "__fish_kylo_using_subcommand consume" -l dry-run -d 'Show the plan and stop'
complete -c kylo -n "__fish_kylo_using_subcommand consume" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kylo -n "__fish_kylo_using_subcommand completions" -s C -l profile -d 'Profile of your configuration to use' -r
complete -c kylo -n "__fish_kylo_using_subcommand completions" -s b -l brokers -l bootstrap-server -d 'Kafka brokers, comma separated' -r
complete -c kylo -n "__fish_kylo_using_subcommand completions" -l database-url -d 'Control database (better in KYLO_DATABASE_URL: a command line can be read by others)' -r
complete -c kylo -n "__fish_kylo_using_subcommand completions" -s X -d 'A setting: a librdkafka property or one of kylo\'s keys; `-X dump` shows each with its origin' -r
complete -c kylo -n "__fish_kylo_using_subcommand completions" -s o -l output -d 'Shape of data on stdout: table, wide, json, jsonl, yaml, csv [default: table]' -r -f -a "table\t'Aligned columns'
wide\t'Aligned columns, all of them'
json\t'One document'
jsonl\t'One object a line'
yaml\t'One document'
csv\t'Comma-separated, with a heading line'"
complete -c kylo -n "__fish_kylo_using_subcommand completions" -l color -d 'Use colour [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In a pipe too'
never\t'Not at all'"
complete -c kylo -n "__fish_kylo_using_subcommand completions" -l timeout -d 'How long one request may take (`10s`, `500ms`, `2m`) [default: 10s]' -r
complete -c kylo -n "__fish_kylo_using_subcommand completions" -l log-level -d 'What the log on stderr shows: off, error, warn, info, debug, trace, or `kylo=debug,rdkafka=info` [default: warn]' -r
complete -c kylo -n "__fish_kylo_using_subcommand completions" -l log-format -d 'Shape of the log [default: text]' -r -f -a "text\t''
json\t''"
complete -c kylo -n "__fish_kylo_using_subcommand completions" -l no-headers -d 'Leave out the headings of a table'
complete -c kylo -n "__fish_kylo_using_subcommand completions" -s q -l quiet -d 'Hide status lines and progress'
complete -c kylo -n "__fish_kylo_using_subcommand completions" -s v -l verbose -d 'Show details'
complete -c kylo -n "__fish_kylo_using_subcommand completions" -l no-input -d 'Never ask a question'
complete -c kylo -n "__fish_kylo_using_subcommand completions" -s y -l yes -l execute -d 'Do it without asking'
complete -c kylo -n "__fish_kylo_using_subcommand completions" -l dry-run -d 'Show the plan and stop'
complete -c kylo -n "__fish_kylo_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kylo -n "__fish_kylo_using_subcommand help" -s C -l profile -d 'Profile of your configuration to use' -r
complete -c kylo -n "__fish_kylo_using_subcommand help" -s b -l brokers -l bootstrap-server -d 'Kafka brokers, comma separated' -r
complete -c kylo -n "__fish_kylo_using_subcommand help" -l database-url -d 'Control database (better in KYLO_DATABASE_URL: a command line can be read by others)' -r
complete -c kylo -n "__fish_kylo_using_subcommand help" -s X -d 'A setting: a librdkafka property or one of kylo\'s keys; `-X dump` shows each with its origin' -r
complete -c kylo -n "__fish_kylo_using_subcommand help" -s o -l output -d 'Shape of data on stdout: table, wide, json, jsonl, yaml, csv [default: table]' -r -f -a "table\t'Aligned columns'
wide\t'Aligned columns, all of them'
json\t'One document'
jsonl\t'One object a line'
yaml\t'One document'
csv\t'Comma-separated, with a heading line'"
complete -c kylo -n "__fish_kylo_using_subcommand help" -l color -d 'Use colour [default: auto]' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'In a pipe too'
never\t'Not at all'"
complete -c kylo -n "__fish_kylo_using_subcommand help" -l timeout -d 'How long one request may take (`10s`, `500ms`, `2m`) [default: 10s]' -r
complete -c kylo -n "__fish_kylo_using_subcommand help" -l log-level -d 'What the log on stderr shows: off, error, warn, info, debug, trace, or `kylo=debug,rdkafka=info` [default: warn]' -r
complete -c kylo -n "__fish_kylo_using_subcommand help" -l log-format -d 'Shape of the log [default: text]' -r -f -a "text\t''
json\t''"
complete -c kylo -n "__fish_kylo_using_subcommand help" -l no-headers -d 'Leave out the headings of a table'
complete -c kylo -n "__fish_kylo_using_subcommand help" -s q -l quiet -d 'Hide status lines and progress'
complete -c kylo -n "__fish_kylo_using_subcommand help" -s v -l verbose -d 'Show details'
complete -c kylo -n "__fish_kylo_using_subcommand help" -l no-input -d 'Never ask a question'
complete -c kylo -n "__fish_kylo_using_subcommand help" -s y -l yes -l execute -d 'Do it without asking'
complete -c kylo -n "__fish_kylo_using_subcommand help" -l dry-run -d 'Show the plan and stop'
complete -c kylo -n "__fish_kylo_using_subcommand help" -s h -l help -d 'Print help (see more with \'--help\')'
