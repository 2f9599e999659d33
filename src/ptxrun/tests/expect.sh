#!/bin/sh
# expect.sh STATUS PATTERN COMMAND...: the command must exit with STATUS and its output must match
# the extended regular expression.
status=$1 pattern=$2
shift 2
output=$("$@" 2>&1)
actual=$?
printf '%s\n' "$output"
if [ "$actual" -ne "$status" ]; then
  echo "exit status $actual, expected $status"
  exit 1
fi
if ! printf '%s' "$output" | tr '\n' ' ' | grep -Eq -- "$pattern"; then
  echo "output does not match: $pattern"
  exit 1
fi
