#include "options.h"

#include <charconv>

#include "device.h"

namespace ptxrun {
namespace {

bool number(const std::string& text, uint64_t& value) {
  const auto r = std::from_chars(text.data(), text.data() + text.size(), value);
  return r.ec == std::errc() && r.ptr == text.data() + text.size();
}

std::string set(const std::string& key, const std::string& value, Options& o) {
  uint64_t n = 0;
  if (key == "device") {
    o.device = value;
  } else if (key == "schedule") {
    if (value == "eager")
      o.schedule = Schedule::eager;
    else if (value == "lazy")
      o.schedule = Schedule::lazy;
    else if (value == "random")
      o.schedule = Schedule::random;
    else if (value.rfind("random:", 0) == 0 && number(value.substr(7), n))
      o.schedule = Schedule::random, o.seed = n;
    else
      return "schedule is '" + value + "': allowed are eager, lazy, random and random:SEED";
  } else if (key == "check") {
    o.check_race = o.check_init = false;
    for (size_t b = 0; b <= value.size();) {
      const size_t e = std::min(value.find('+', b), value.size());
      const std::string name = value.substr(b, e - b);
      if (name == "race")
        o.check_race = true;
      else if (name == "init")
        o.check_init = true;
      else if (name != "bounds" && name != "none")
        return "check is '" + name + "': allowed are race, init, bounds (always on) and none";
      b = e + 1;
    }
  } else if (key == "accumulators") {
    if (value != "short" && value != "exact")
      return "accumulators is '" + value + "': allowed are exact and short";
    o.short_accumulators = value == "short";
  } else if (key == "stats") {
    o.stats = value;
  } else if (!number(value, n)) {
    return key + " is '" + value + "', which is not a number";
  } else if (key == "slice" && n > 0) {
    o.slice = n;
  } else if (key == "watchdog" && n > 0) {
    o.watchdog = n;
  } else if (key == "devices" && n > 0 && n <= kMaxDevices) {
    o.devices = int(n);
  } else if (key == "resident" && n > 0 && n <= 65536) {
    o.resident = int(n);
  } else if (key == "threads" && n > 0 && n <= 1024) {
    o.threads = int(n);
  } else if (key == "ledger") {
    o.ledger_fd = int(n);
  } else {
    return "there is no option " + key + "=" + value;
  }
  return {};
}

}  // namespace

std::string read_options(const std::string& text, Options& options) {
  for (size_t b = 0; b < text.size();) {
    const size_t e = std::min(text.find(',', b), text.size());
    const std::string pair = text.substr(b, e - b);
    const size_t eq = pair.find('=');
    if (eq == pair.npos) return "'" + pair + "' is not of the form key=value";
    if (std::string why = set(pair.substr(0, eq), pair.substr(eq + 1), options); !why.empty())
      return why;
    b = e + 1;
  }
  return {};
}

std::string write_options(const Options& o) {
  std::string s = "device=" + o.device + ",schedule=";
  s += o.schedule == Schedule::eager  ? "eager"
       : o.schedule == Schedule::lazy ? "lazy"
                                      : "random:" + std::to_string(o.seed);
  s += ",slice=" + std::to_string(o.slice) + ",watchdog=" + std::to_string(o.watchdog);
  if (o.devices != 1) s += ",devices=" + std::to_string(o.devices);
  s += ",resident=" + std::to_string(o.resident);
  if (o.short_accumulators) s += ",accumulators=short";
  if (o.threads) s += ",threads=" + std::to_string(o.threads);
  s += std::string(",check=bounds") + (o.check_race ? "+race" : "") + (o.check_init ? "+init" : "");
  if (!o.stats.empty()) s += ",stats=" + o.stats;
  if (o.ledger_fd >= 0) s += ",ledger=" + std::to_string(o.ledger_fd);
  return s;
}

}  // namespace ptxrun
