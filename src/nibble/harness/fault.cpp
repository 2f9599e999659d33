#include "nibble/harness/fault.h"

#include <setjmp.h>
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include <memory>

namespace nibble::harness {
namespace {

constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
constexpr size_t kStackBytes = 64 << 10;

struct Landing {
  sigjmp_buf jump;
  Fault fault;
};
thread_local Landing* landing = nullptr;

void on_signal(int signal, siginfo_t* info, [[maybe_unused]] void* context) {
  if (!landing) {
    // Only write() and _exit-like calls are allowed here. Once the default action is back, the same
    // instruction faults again and ends the process the usual way.
    constexpr char text[] =
        "nibble: a worker thread faulted; with one thread the buffer would be named\n";
    [[maybe_unused]] const auto written = write(STDERR_FILENO, text, sizeof text - 1);
    ::signal(signal, SIG_DFL);
    return;
  }
  landing->fault = {.signal = signal, .address = info->si_addr};
#if defined(__x86_64__)
  const auto* machine = static_cast<const ucontext_t*>(context);
  landing->fault.write = (machine->uc_mcontext.gregs[REG_ERR] & 2) != 0;
#endif
  siglongjmp(landing->jump, 1);
}

}  // namespace

Fault run_guarded(void (*fn)(void*), void* context) {
  // On the heap: what changes between sigsetjmp and siglongjmp must not live in registers.
  const auto here = std::make_unique<Landing>();
  const auto stack = std::make_unique<char[]>(kStackBytes);
  stack_t mine{}, old_stack{};
  mine.ss_sp = stack.get(), mine.ss_size = kStackBytes;
  sigaltstack(&mine, &old_stack);
  struct sigaction action {
  }, old_actions[std::size(kSignals)];
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  for (size_t i = 0; i < std::size(kSignals); ++i) sigaction(kSignals[i], &action, &old_actions[i]);

  Landing* const outer = landing;
  landing = here.get();
  if (sigsetjmp(here->jump, 1) == 0) fn(context);
  landing = outer;

  for (size_t i = 0; i < std::size(kSignals); ++i) sigaction(kSignals[i], &old_actions[i], nullptr);
  sigaltstack(&old_stack, nullptr);
  return here->fault;
}

}  // namespace nibble::harness
