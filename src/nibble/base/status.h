// Status: success, or one sentence that says what was wrong and what is allowed.
#pragma once
#include <string>
#include <utility>

namespace nibble {

class [[nodiscard]] Status {
 public:
  Status() = default;
  static Status error(std::string why) {
    Status s;
    s.why_ = why.empty() ? std::string("unspecified error") : std::move(why);
    return s;
  }
  bool ok() const { return why_.empty(); }
  explicit operator bool() const { return ok(); }
  const std::string& why() const { return why_; }  // empty if ok

 private:
  std::string why_;
};

}  // namespace nibble
