# shellcheck shell=bash
# The stages of tests/run. A stage runs a command with its output in a log, and says how long it took; what it proved
# goes to $results, a line for each: outcome, count, what, why.

logs=build/logs
results=$logs/results.tsv
jobs=$(nproc)
# Python is Debian's own: a shim of a version manager may stand first in PATH and lack pytest.
python=/usr/bin/python3
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1

begin() {
  rm -rf "$logs"
  mkdir -p "$logs"
  : >"$results"
  started=$SECONDS
}

passed() { printf 'passed\t%s\t%s\t\n' "$2" "$1" >>"$results"; }
failed() { printf 'failed\t%s\t%s\t%s\n' "$2" "$1" "${3:-see $logs}" >>"$results"; }
skipped() {
  printf 'skipped\t%s\t%s\t%s\n' "$2" "$1" "$3" >>"$results"
  printf '  %-34s skipped: %s\n' "$1" "$3"
}

# stage NAME COMMAND...: runs it; on failure shows the end of its log.
stage() {
  local name=$1 began=$SECONDS status
  local log=$logs/${name//[^a-zA-Z0-9_.-]/-}.log
  shift
  printf '  %-34s ' "$name"
  "$@" >"$log" 2>&1 </dev/null
  status=$?
  if [[ $status -eq 0 ]]; then
    printf 'ok      %4ds\n' $((SECONDS - began))
  else
    printf 'FAILED  %4ds\n' $((SECONDS - began))
    printf '    --- the end of %s\n' "$log"
    grep -v '^ *0x[0-9a-f]*: ' "$log" | tail -n 30 | sed 's/^/    /'
  fi
  return $status
}

# A stage that counts as one test case.
check() {
  local what=$1
  if stage "$@"; then passed "$what" 1; else failed "$what" 1; fi
}

finish() {
  echo
  "$python" tests/results.py summary "$results" $((SECONDS - started))
  exit $?
}

give_up() {
  failed "packages" 1
  finish
}

build_preset() {
  local preset=$1
  shift
  cmake --preset "$preset" && cmake --build --preset "$preset" -j "$jobs" --target "$@"
}

# The targets whose code runs on several threads at once.
concurrent_tests=(base_test stats_test net_test upstream_test tiers_test memcached_test edge_test)

test_preset() {
  local preset=$1 repeat=$2 targets=(all)
  if [[ $preset == tsan ]]; then targets=("${concurrent_tests[@]}"); fi
  if ! stage "$preset: build" build_preset "$preset" "${targets[@]}"; then
    failed "$preset: build" 1
    return
  fi
  unit_tests "$preset" "$repeat"
  if [[ $preset == tsan ]]; then return; fi
  corpora "$preset"
  scenarios "$preset"
  if [[ $preset == release ]]; then browser; fi
}

# One test binary: its cases go to $results by its own report; a crash, which leaves none, counts as a failure.
unit_test() {
  local preset=$1 binary=$2 repeat=$3 run=()
  local report=$PWD/$logs/$preset-${binary##*/}.json
  # Some kernels give more random addresses than the thread sanitizer can map.
  if [[ $preset == tsan ]] && setarch "$(uname -m)" -R true 2>/dev/null; then run=(setarch "$(uname -m)" -R); fi
  timeout $((600 * repeat)) "${run[@]+"${run[@]}"}" "$binary" --gtest_output="json:$report" \
    --gtest_repeat="$repeat" --gtest_brief=1
  local status=$?
  "$python" tests/results.py gtest "$preset ${binary##*/}" "$status" "$report" >>"$results"
  return $status
}

unit_tests() {
  local preset=$1 repeat=$2 binary
  for binary in build/"$preset"/bin/*_test; do
    if [[ $preset == tsan && " ${concurrent_tests[*]} " != *" ${binary##*/} "* ]]; then continue; fi
    stage "$preset: ${binary##*/}" unit_test "$preset" "$binary" "$repeat"
  done
}

# Every fuzz target in this build runs its corpus once.
corpora() {
  local preset=$1 target corpus
  for target in build/"$preset"/bin/*_fuzz; do
    [[ -x $target ]] || continue
    corpus=${target##*/}
    corpus=tests/fuzz/corpus/${corpus%_fuzz}
    check "$preset: ${target##*/} corpus" timeout 300 "$target" "$corpus"
  done
}

run_scenarios() {
  MERIDIAN_BIN_DIR=$PWD/build/$1/bin timeout 900 "$python" -m pytest -q -p no:cacheprovider \
    --timeout=120 --junitxml="$logs/$1-scenarios.xml" tests/scenario
  local status=$?
  "$python" tests/results.py pytest "$1 scenarios" "$status" "$logs/$1-scenarios.xml" >>"$results"
  return $status
}

scenarios() {
  if compgen -G 'tests/scenario/test_*.py' >/dev/null; then
    stage "$1: scenarios" run_scenarios "$1"
  else
    skipped "$1: scenarios" 1 "there are none yet"
  fi
}

# tests/browser/run prints "N passed, N failed, N skipped" as its last line.
run_browser() {
  local out=$logs/browser.out
  MERIDIAN_BIN_DIR=$PWD/build/release/bin timeout 900 tests/browser/run >"$out" 2>&1
  local status=$?
  cat "$out"
  "$python" tests/results.py counted "browser" "$status" "$out" >>"$results"
  return $status
}

browser() {
  if [[ -x tests/browser/run ]]; then
    stage "release: browser" run_browser
  else
    skipped "release: browser" 1 "there is no tests/browser/run"
  fi
}

check_format() {
  git ls-files -z '*.cc' '*.h' | xargs -0 clang-format --dry-run -Werror
}

check_scripts() {
  git ls-files -z | xargs -0 grep -lZE '^#!.*\b(ba)?sh\b' | xargs -0 shellcheck -x
}

# Fuzzes one target into a scratch corpus; what broke it stays in build/logs.
fuzz_one() {
  local target=$1 seconds=$2 name=${1##*/}
  local scratch=build/fuzz/scratch/$name
  mkdir -p "$scratch"
  timeout $((seconds + 120)) "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -artifact_prefix="$logs/$name-" -print_final_stats=1 "$scratch" "tests/fuzz/corpus/${name%_fuzz}" \
    >"$logs/fuzz-$name.log" 2>&1
}

# Every target gets a minute, or less when there are so many that the whole would take longer than the budget.
fuzz_all() {
  local budget_s=$1 targets=() target programs=() seconds
  for target in tests/fuzz/*_fuzz.cc; do programs+=("$(basename "$target" .cc)"); done
  if ! stage "fuzz: build" build_preset fuzz "${programs[@]}"; then
    failed "fuzz: build" 1
    return
  fi
  for target in "${programs[@]}"; do targets+=("build/fuzz/bin/$target"); done
  seconds=$((budget_s * jobs / ${#targets[@]}))
  if [[ $budget_s -le 360 && $seconds -gt 60 ]]; then seconds=60; fi
  stage "fuzz: ${#targets[@]} targets, ${seconds}s each" fuzz_in_parallel "$seconds" "${targets[@]}"
}

fuzz_in_parallel() {
  local seconds=$1 target name status=0 running=0
  shift
  declare -A names=()
  fuzz_wait() {
    local pid code
    wait -n -p pid
    code=$?
    running=$((running - 1))
    name=${names[$pid]}
    if [[ $code -eq 0 ]]; then
      passed "fuzz $name" 1
    else
      failed "fuzz $name" 1 "see $logs/fuzz-$name.log"
      echo "$name failed:"
      tail -n 25 "$logs/fuzz-$name.log"
      status=1
    fi
  }
  for target in "$@"; do
    if [[ $running -ge $jobs ]]; then fuzz_wait; fi
    fuzz_one "$target" "$seconds" &
    names[$!]=${target##*/}
    running=$((running + 1))
  done
  while [[ $running -gt 0 ]]; do fuzz_wait; done
  return $status
}

# clang-tidy over every source; its compiler also runs the thread-safety analysis. -Werror makes both count.
check_tidy() {
  cmake --preset fuzz >/dev/null || return 1
  git ls-files -z 'lib/*.cc' 'config/*.cc' 'edge/*.cc' 'origin/*.cc' 'control-plane/*.cc' |
    xargs -0 -P "$jobs" -n 4 clang-tidy --quiet -p build/fuzz --warnings-as-errors='*'
}
