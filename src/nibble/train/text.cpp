#include "nibble/train/text.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <numeric>
#include <unordered_set>

#include "nibble/runtime/error.h"

namespace nibble::train {
namespace {

void append(Bytes& to, std::span<const uint8_t> more) {
  to.insert(to.end(), more.begin(), more.end());
}

// Words of at least three letters in lower case; fn(word) for each that both ends are known of.
template <class Fn>
void each_word(std::span<const uint8_t> text, bool whole_only, Fn&& fn) {
  std::string word;
  bool from_start = whole_only;
  for (const uint8_t b : text) {
    const uint8_t lower = b | 0x20;
    if (lower >= 'a' && lower <= 'z' && b < 0x80) {
      word.push_back(char(lower));
      continue;
    }
    if (word.size() >= 3 && !from_start) fn(word);
    word.clear(), from_start = false;
  }
  if (word.size() >= 3 && !whole_only) fn(word);
}

}  // namespace

TextPart read_text(const std::string& path) {
  namespace fs = std::filesystem;
  // Texts are read again when a run goes on; and a device may have no end.
  std::error_code ignored;
  const fs::file_status status = fs::status(path, ignored);
  if (fs::exists(status) && !fs::is_regular_file(status))
    throw Error(fmt::format("cannot read '{}': it is {}, a text file is needed", path,
                            fs::is_directory(status) ? "a directory" : "a pipe or a device"));
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Error(fmt::format("cannot read '{}': {}", path, std::strerror(errno)));
  TextPart part;
  char buffer[1 << 16];
  while (in.read(buffer, sizeof buffer) || in.gcount())
    part.bytes.insert(part.bytes.end(), buffer, buffer + in.gcount());
  if (in.bad()) throw Error(fmt::format("cannot read '{}': {}", path, std::strerror(errno)));
  part.file = {.path = fs::absolute(path).lexically_normal().string(),
               .bytes = int64_t(part.bytes.size()),
               .hash = fmt::format("{:016x}", XXH3_64bits(part.bytes.data(), part.bytes.size()))};
  return part;
}

Corpus read_corpus(std::span<const std::string> data, const std::string& valid,
                   double validation_share) {
  if (data.empty()) throw Error("there is no text to train on: at least one file is needed");
  Corpus c;
  for (const std::string& path : data) {
    const TextPart part = read_text(path);
    const int64_t n = part.file.bytes, split = valid.empty() ? train_bytes(n) : n;
    if (n < kLeastText)
      throw Error(fmt::format("'{}' has {} bytes: at least {} are needed to train on it", path, n,
                              kLeastText));
    const auto validation = int64_t(double(n) * validation_share);
    if (validation_share > 0 && validation < kLeastHeldOut)
      throw Error(fmt::format(
          "'{}' has {} bytes: at least {} are needed to validate on {:g}% of it", path, n,
          int64_t(std::ceil(kLeastHeldOut / validation_share)), 100 * validation_share));
    append(c.train, std::span(part.bytes).first(size_t(split - validation)));
    append(c.validation,
           std::span(part.bytes).subspan(size_t(split - validation), size_t(validation)));
    append(c.heldout, std::span(part.bytes).subspan(size_t(split)));
    c.data.push_back(part.file);
  }
  if (!valid.empty()) {
    TextPart part = read_text(valid);
    if (part.file.bytes < kLeastHeldOut)
      throw Error(fmt::format("'{}' has {} bytes: at least {} are needed to validate on it", valid,
                              part.file.bytes, kLeastHeldOut));
    c.heldout = std::move(part.bytes);
    c.valid.push_back(part.file);
  }
  return c;
}

Alphabet::Alphabet(Bytes ascending) : bytes_(std::move(ascending)) {
  symbol_.fill(uint8_t(bytes_.size()));  // the escape; unused if all 256 are known
  for (size_t i = 0; i < bytes_.size(); ++i)
    symbol_[bytes_[i]] = uint8_t(i), known_[bytes_[i]] = true;
}

Alphabet Alphabet::of(std::span<const uint8_t> text) {
  std::array<bool, 256> occurs{};
  for (const uint8_t b : text) occurs[b] = true;
  Bytes ascending;
  for (int b = 0; b < 256; ++b)
    if (occurs[size_t(b)]) ascending.push_back(uint8_t(b));
  return Alphabet(std::move(ascending));
}

Alphabet Alphabet::all_bytes() {
  Bytes all(256);
  std::iota(all.begin(), all.end(), uint8_t(0));
  return of(all);
}

std::string Alphabet::hex() const {
  std::string s;
  for (const uint8_t b : bytes_) s += fmt::format("{:02x}", b);
  return s;
}

Alphabet Alphabet::from_hex(const std::string& hex) {
  Bytes ascending;
  bool good = !hex.empty() && hex.size() % 2 == 0 &&
              hex.find_first_not_of("0123456789abcdef") == std::string::npos;
  for (size_t i = 0; good && i < hex.size(); i += 2) {
    ascending.push_back(uint8_t(std::stoi(hex.substr(i, 2), nullptr, 16)));
    const size_t n = ascending.size();
    good = n < 2 || ascending[n - 2] < ascending[n - 1];
  }
  if (!good)
    throw Error("the alphabet is damaged: ascending bytes as two hexadecimal digits are needed");
  return Alphabet(std::move(ascending));
}

Bytes Alphabet::encode(std::span<const uint8_t> text) const {
  Bytes symbols(text.size());
  std::transform(text.begin(), text.end(), symbols.begin(), [&](uint8_t b) { return symbol_[b]; });
  return symbols;
}

double Alphabet::escaped_nats(std::span<const uint8_t> text) const {
  int64_t unseen = 0;
  for (size_t i = 1; i < text.size(); ++i) unseen += !known_[text[i]];
  return unseen ? double(unseen) * std::log(256.0 - seen()) : 0;
}

std::array<double, 3> ngram_nats(std::span<const uint8_t> train, std::span<const uint8_t> text) {
  if (text.size() < 2) throw Error("a text of at least 2 bytes is needed to score n-grams on");
  // Counts are indexed by symbols: an unseen byte is the escape, whose counts are all zero. At most
  // 256^3 counts of 4 bytes, 64 MiB; 1.1 MiB for a text of 65 different bytes.
  const Alphabet alphabet = Alphabet::of(train);
  const size_t n = size_t(alphabet.symbols());
  const Bytes known = alphabet.encode(train), scored = alphabet.encode(text);
  std::array<double, 3> nats{};
  std::array<std::vector<uint32_t>, 3> count, context;  // [order]: of (context, byte); of context
  size_t contexts = 1;
  for (size_t order = 0; order < 3; ++order, contexts *= n) {
    count[order].assign(contexts * n, 0), context[order].assign(contexts, 0);
    size_t c = 0;
    for (size_t i = 0; i < known.size(); ++i) {
      if (i >= order) ++count[order][c * n + known[i]], ++context[order][c];
      c = (c * n + known[i]) % contexts;
    }
  }
  std::array<size_t, 3> c{};  // the context of each order, oldest symbol first
  for (size_t i = 0; i < scored.size(); ++i) {
    for (size_t order = 0; order < 3; ++order) {
      const size_t k = std::min(order, i);
      const double hits = count[k][c[k] * n + scored[i]], all = context[k][c[k]];
      if (i > 0) nats[order] -= std::log((hits + 0.1) / (all + 25.6));
    }
    c[1] = scored[i], c[2] = c[2] % n * n + scored[i];
  }
  for (double& v : nats) v /= double(scored.size() - 1);
  return nats;
}

WordShare word_share(std::span<const uint8_t> text, std::span<const uint8_t> known) {
  std::unordered_set<std::string> words;
  each_word(known, false, [&](const std::string& w) { words.insert(w); });
  WordShare share;
  each_word(text, true,
            [&](const std::string& w) { ++share.words, share.known += words.count(w) > 0; });
  return share;
}

}  // namespace nibble::train
