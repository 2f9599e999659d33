#include "report.h"

#include <unistd.h>

namespace ptxrun {

namespace {
void write_all(int fd, const std::string& text) {
  size_t at = 0;
  while (at < text.size()) {
    const ssize_t n = ::write(fd, text.data() + at, text.size() - at);
    if (n <= 0) return;
    at += size_t(n);
  }
}
}  // namespace

const char* name_of(FaultKind kind) {
  switch (kind) {
    case FaultKind::out_of_bounds:
      return "out of bounds";
    case FaultKind::misaligned:
      return "misaligned access";
    case FaultKind::uninitialised:
      return "uninitialised read";
    case FaultKind::race:
      return "race";
    case FaultKind::divergence:
      return "divergence";
    case FaultKind::deadlock:
      return "deadlock";
    case FaultKind::trap:
      return "trap";
    case FaultKind::assertion:
      return "assertion";
    case FaultKind::refused:
      return "refused";
    case FaultKind::misuse:
      return "misuse";
    case FaultKind::host:
      return "host access";
    case FaultKind::proxy:
      return "missing proxy fence";
    case FaultKind::exited_peer:
      return "exited peer";
    case FaultKind::no_peer:
      return "no peer access";
    case FaultKind::leak:
      return "leak";
  }
  return "fault";
}

std::string to_text(const Finding& f) {
  std::string s = std::string("ptxrun: ") + name_of(f.kind) + ": " + f.what + "\n";
  if (!f.where.empty()) s += "    in " + f.where + "\n";
  if (!f.text.empty()) {
    s += "    at ";
    if (!f.source.empty()) s += f.source + ": ";
    s += f.text + " (PTX line " + std::to_string(f.line) + ")\n";
  }
  return s;
}

void Report::add(Finding finding) {
  const std::string key = std::string(name_of(finding.kind)) + "|" + finding.text + "|" +
                          std::to_string(finding.line) + "|" +
                          (finding.text.empty() ? finding.what : "");
  auto [it, is_new] = known_.try_emplace(key, findings_.size());
  if (!is_new) {
    findings_[it->second].times += finding.times;
    return;
  }
  // At once, not at exit: a program that crashes afterwards must not take the finding along.
  if (!quiet_) {
    write_all(2, to_text(finding));
    ledger(std::string("fault ") + name_of(finding.kind));
  }
  findings_.push_back(std::move(finding));
}

void Report::ledger(const std::string& line) const {
  if (options_.ledger_fd >= 0) write_all(options_.ledger_fd, line + "\n");
}

}  // namespace ptxrun
