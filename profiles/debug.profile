format=1
# As default, and processes may look into each other: gdb, strace, the leak checker of
# -fsanitize=address. Only within the sandbox: its pid namespace holds nothing else, and init is
# not dumpable. perf is left out: perf_event_open shows other sandboxes.

[Profile]
Description=default with debuggers and tracers
Extends=default

[SystemCalls]
SystemCallFilter=@trace
Allow=personality if arg0 == ADDR_NO_RANDOMIZE # gdb, setarch -R, ThreadSanitizer
Allow=personality if arg0 == PER_LINUX32|ADDR_NO_RANDOMIZE # setarch -R linux32
