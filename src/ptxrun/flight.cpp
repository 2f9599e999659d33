#include "flight.h"

namespace ptxrun {
namespace {

Flight& flight_of(Warp& w) {
  if (!w.flight) {
    w.flight = std::make_shared<Flight>();
    w.flight->use.resize(w.registers.size() / 16 + 1);
  }
  return *w.flight;
}

}  // namespace

void track_registers(Warp& w, const Op& op, uint32_t lanes) {
  Flight& f = flight_of(w);
  const RegisterUse& uses =
      w.block->launch->kernel->uses[size_t(&op - w.block->launch->kernel->code.data())];
  for (uint32_t at : uses.reads)
    if (f.use[at / 16] & uint8_t(Use::result))
      note(w, FaultKind::race,
           "the instruction reads a register that asynchronous work, not yet waited for, writes",
           lanes);
  for (uint32_t at : uses.writes) {
    uint8_t& use = f.use[at / 16];
    if (use & uint8_t(Use::result))
      note(w, FaultKind::race,
           "the instruction writes a register that asynchronous work, not yet waited for, writes",
           lanes);
    if (use & uint8_t(Use::source))
      note(w, FaultKind::race,
           "the instruction writes a register that asynchronous work, not yet waited for, reads",
           lanes);
    if (!(use & uint8_t(Use::unfenced))) {
      use |= uint8_t(Use::unfenced);
      f.touched.push_back(at / 16);
    }
  }
}

void mark(Warp& w, const Slot& s, Use use) { flight_of(w).use[s.at / 16] |= uint8_t(use); }
void unmark(Warp& w, const Slot& s, Use use) {
  flight_of(w).use[s.at / 16] &= uint8_t(~uint8_t(use));
}
bool is_marked(Warp& w, const Slot& s, Use use) {
  return flight_of(w).use[s.at / 16] & uint8_t(use);
}
void forget_unfenced(Warp& w) {
  Flight& f = flight_of(w);
  for (uint32_t k : f.touched) f.use[k] &= uint8_t(~uint8_t(Use::unfenced));
  f.touched.clear();
}

}  // namespace ptxrun
