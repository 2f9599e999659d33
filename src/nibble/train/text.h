// Text as the learner sees it: bytes of files, a split into a training and a held-out part, a
// compact alphabet, and the n-gram lines that any model has to beat.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace nibble::train {

using Bytes = std::vector<uint8_t>;

// A file that a run depends on. The hash is XXH3-64 of the whole file, as 16 hexadecimal digits.
struct TextFile {
  std::string path;  // absolute
  int64_t bytes = 0;
  std::string hash;
};

struct TextPart {
  TextFile file;
  Bytes bytes;
};
TextPart read_text(const std::string& path);

// The held-out part of n bytes is the last n - floor(0.9 n). A split needs a held-out part of one
// evaluation window of 128 bytes and something to predict in it.
constexpr int64_t kLeastText = 1290;
constexpr int64_t kLeastHeldOut = 129;
constexpr int64_t train_bytes(int64_t n) { return n / 10 * 9 + n % 10 * 9 / 10; }

// Training text and held-out text. Several files are split one by one, so that the last tenth of
// each of them is text that training has not seen. Settings are chosen on a validation part, which
// is neither trained on nor reported: a share of each file, the end of what would be trained on.
struct Corpus {
  Bytes train, heldout, validation;
  std::vector<TextFile> data;
  std::vector<TextFile> valid;  // one file or none; if given, training sees all of `data`
};
Corpus read_corpus(std::span<const std::string> data, const std::string& valid = {},
                   double validation_share = 0);

// The symbols of a model: the bytes that occur in the training part, ascending, and one escape for
// the rest. There is no escape if all 256 occur. An unseen byte costs the escape's nats plus
// ln(256 - seen): the bytes behind the escape are taken as equally likely, so that the model
// remains a distribution over all 256 bytes.
class Alphabet {
 public:
  static Alphabet of(std::span<const uint8_t> text);
  static Alphabet all_bytes();
  static Alphabet from_hex(const std::string& hex);  // as hex() writes it
  std::string hex() const;

  int seen() const { return int(bytes_.size()); }
  int symbols() const { return seen() + (seen() < 256); }
  bool knows(uint8_t byte) const { return known_[byte]; }
  uint8_t symbol(uint8_t byte) const { return symbol_[byte]; }
  uint8_t byte(int symbol) const { return bytes_[size_t(symbol)]; }  // symbol < seen()
  Bytes encode(std::span<const uint8_t> text) const;

  // What the unseen bytes of text[1..] cost beyond the escape, in nats, in all.
  double escaped_nats(std::span<const uint8_t> text) const;

 private:
  explicit Alphabet(Bytes ascending);
  Bytes bytes_;
  std::array<uint8_t, 256> symbol_{};
  std::array<bool, 256> known_{};
};

// Mean nats per byte of text[1..] under add-0.1 n-gram models of `train`:
//   p(b | c) = (count(c b) + 0.1) / (count(c) + 25.6),   b one of 256 bytes, c the last `order`
//   bytes.
// A context that would begin before text[0] is shortened.
std::array<double, 3> ngram_nats(std::span<const uint8_t> train, std::span<const uint8_t> text);

// Share of the words of `text` (runs of three and more ASCII letters, case folded; a run that
// touches an end of the text may be a piece of a word and is left out) that are words of `known`.
struct WordShare {
  int64_t words = 0, known = 0;
  double share() const { return words ? double(known) / double(words) : 0; }
};
WordShare word_share(std::span<const uint8_t> text, std::span<const uint8_t> known);

}  // namespace nibble::train
