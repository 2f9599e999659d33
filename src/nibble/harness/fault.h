// Runs code that may touch memory it does not own, and says what it touched.
#pragma once
#include <string>

namespace nibble::harness {

struct Fault {
  int signal = 0;  // 0: none
  const void* address = nullptr;
  bool write = false;  // known on x86-64, else false
  explicit operator bool() const { return signal != 0; }
};

// Runs fn(context) on the calling thread. SIGSEGV, SIGBUS, SIGFPE and SIGILL that it raises end it,
// are caught on a stack of their own and returned; what it had allocated is lost. A signal raised
// by another thread cannot be returned from: it is named on stderr and ends the process as usual.
Fault run_guarded(void (*fn)(void*), void* context);

template <class Fn>
Fault guarded(Fn&& fn) {
  return run_guarded([](void* f) { (*static_cast<std::remove_reference_t<Fn>*>(f))(); }, &fn);
}

}  // namespace nibble::harness
