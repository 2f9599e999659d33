#include "nibble/runtime/quantise.h"

#include <algorithm>
#include <cmath>

#include "nibble/numerics/hadamard.h"
#include "nibble/runtime/checkpoint_writer.h"
#include "nibble/runtime/encode_rows.h"
#include "nibble/runtime/error.h"
#include "nibble/runtime/json.h"
#include "nibble/runtime/quantisation_config.h"
#include "nibble/runtime/weight_names.h"

namespace nibble {
namespace {

constexpr int64_t kChunk = 4 << 20;   // elements of a matrix that are in memory as floats
constexpr int64_t kPiece = 64 << 10;  // elements of which errors are summed in one go

float to_float(float x) { return x; }
using nibble::to_float;

// Sums over some elements x and what they are decoded to.
struct Errors {
  double xx = 0, yy = 0, xy = 0, dd = 0, most = 0;

  template <class T>
  void add(const T* x, const float* y, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const double a = double(to_float(x[i])), b = double(y[i]), d = b - a;
      xx += a * a, yy += b * b, xy += a * b, dd += d * d;
      most = std::max(most, std::fabs(d));
    }
  }
  void add(const Floats& x, const float* y, int64_t begin, int64_t end) {
    if (x.type == DType::f32) return add(static_cast<const float*>(x.data), y, begin, end);
    if (x.type == DType::bf16) return add(static_cast<const bf16*>(x.data), y, begin, end);
    add(static_cast<const fp16*>(x.data), y, begin, end);
  }
  void add(const Errors& e) {
    xx += e.xx, yy += e.yy, xy += e.xy, dd += e.dd;
    most = std::max(most, e.most);
  }
};

// FNV-1a: the numbers that a tensor is rounded by follow from its name and not from its place.
uint64_t stream_of(std::string_view name) {
  uint64_t h = 0xcbf29ce484222325u;
  for (char c : name) h = (h ^ uint8_t(c)) * 0x100000001b3u;
  return h;
}

// How many codes a byte holds, and how many of them are zero or the greatest.
struct ByteCounts {
  uint8_t zero[256] = {}, largest[256] = {};

  explicit ByteCounts(const Encoding& e) {
    for (int b = 0; b < 256; ++b) {
      const auto count = [&](bool is_zero, bool is_largest) {
        zero[b] = uint8_t(zero[b] + is_zero), largest[b] = uint8_t(largest[b] + is_largest);
      };
      switch (e.format) {
        case WeightFormat::nvfp4:
        case WeightFormat::mxfp4:
          for (int code : {b & 7, b >> 4 & 7}) count(code == 0, code == 7);
          break;
        case WeightFormat::int8:
          count(b == 0, b == 127 || b == 129);
          break;
        case WeightFormat::ternary:
          for (int j = 0; j < ternaries_in_byte(e.packing); ++j) {
            const int w = ternary_at(e.packing, uint8_t(b), j);
            count(w == 0, w != 0);
          }
          break;
        default:
          count((b & 127) == 0, (b & 127) == (e.element == MxFormat::e5m2 ? 0x7b : 0x7e));
      }
    }
  }
};

struct Job {
  const SourceTensor* tensor = nullptr;
  Encoding encoding;
  size_t codes = 0, scales = 0;  // of the writer
  std::optional<size_t> tensor_scale, ternary, hadamard;
};

class Quantiser {
 public:
  Quantiser(const Source& source, const std::filesystem::path& out, const QuantiseOptions& options,
            const Machine& machine, Pool* pool,
            const std::function<void(const QuantiseProgress&)>& progress)
      : options_(options),
        source_(source),
        writer_(source, out),
        machine_(machine),
        pool_(pool),
        progress_(progress) {}

  std::vector<QuantiseReport> run() {
    plan();
    std::vector<QuantiseReport> reports;
    for (const auto& [tensor, id] : copies_) {
      copy_tensor(*tensor, [&, id = id](int64_t begin, std::span<const std::byte> data) {
        writer_.put(id, begin, data);
      });
      advance(int64_t(tensor->data.size()), tensor->copy.name);
    }
    for (const Job& job : jobs_) reports.push_back(quantise(job));
    writer_.commit();
    return reports;
  }

 private:
  bool chosen(const SourceTensor& t) const {
    const auto any = [&](const std::vector<std::string>& globs) {
      return std::any_of(globs.begin(), globs.end(),
                         [&](const std::string& g) { return matches_glob(g, t.copy.name); });
    };
    return t.is_matrix_of_floats() && any(options_.include) && !any(options_.exclude);
  }

  void plan() {
    std::vector<std::string> ignored;
    for (const SourceTensor& t : source_.tensors()) {
      progress_now_.total += int64_t(t.data.size());
      if (chosen(t)) {
        plan_job(t);
        continue;
      }
      const std::string& name = t.copy.name;
      if (t.is_matrix_of_floats() && name.ends_with(".weight"))
        ignored.push_back(name.substr(0, name.size() - 7));
      copies_.emplace_back(&t, writer_.add(t.shard, t.copy));
    }
    if (jobs_.empty())
      throw Error(
          "nothing to quantise: no matrix of floats has a name that --include takes and "
          "--exclude leaves");
    writer_.begin(make_quantisation_config(options_.layout, jobs_.front().encoding, ignored),
                  options_in_metadata());
  }

  safetensors::Metadata options_in_metadata() const {
    safetensors::Metadata m;
    if (options_.stochastic_seed)
      m["nibble.stochastic_seed"] = std::to_string(*options_.stochastic_seed);
    if (options_.hadamard) m["nibble.hadamard_signs"] = std::to_string(kHadamardSigns);
    return m;
  }

  void plan_job(const SourceTensor& t) {
    Job job{.tensor = &t, .encoding = encoding_of(options_.format, options_.mode, t.copy.type)};
    if (options_.stochastic_seed)
      job.encoding.stochastic = {
          .on = true, .seed = *options_.stochastic_seed, .stream = stream_of(t.copy.name)};
    if (options_.hadamard) job.encoding.hadamard = kHadamardSigns;
    const bool uneven = options_.hadamard && t.cols() % 16 != 0;
    if (const std::string why = uneven ? "its rows have " + std::to_string(t.cols()) +
                                             " elements, and --hadamard takes blocks of 16"
                                       : refusal(options_.format, t.cols());
        !why.empty())
      throw Error("tensor " + in_quotes(t.copy.name) + " cannot be " +
                  std::string(to_string(options_.format)) + ": " + why +
                  "; leave it out with --exclude");
    const WeightEntries w = entries_of(options_.layout, job.encoding, t.copy.name, t.copy.shape);
    job.codes = writer_.add(t.shard, w.codes);
    job.scales = writer_.add(t.shard, w.scales);
    if (w.tensor_scale) job.tensor_scale = writer_.add(t.shard, *w.tensor_scale);
    if (w.ternary) job.ternary = writer_.add(t.shard, *w.ternary);
    if (w.hadamard) job.hadamard = writer_.add(t.shard, *w.hadamard);
    jobs_.push_back(job);
  }

  // fn(begin, end) for chunks of rows.
  template <class Fn>
  static void for_chunks(const Job& job, Fn&& fn) {
    const int64_t rows = job.tensor->rows(), cols = job.tensor->cols();
    const int64_t step = RowEncoder::row_step(job.encoding);
    const int64_t chunk = std::max(int64_t(1), kChunk / cols / step) * step;
    for (int64_t r = 0; r < rows; r += chunk) fn(r, std::min(rows, r + chunk));
  }

  QuantiseReport quantise(const Job& job) {
    const SourceTensor& t = *job.tensor;
    const int64_t rows = t.rows(), cols = t.cols();
    RowReader reader(t);
    TensorFacts facts;
    const int64_t half = int64_t(t.data.size()) / 2;
    std::vector<float> turned;
    const auto as_encoded = [&](Floats x, int64_t n) {
      return transformed(job.encoding, x, n, cols, turned, machine_, pool_);
    };
    for_chunks(job, [&](int64_t begin, int64_t end) {
      facts.add(as_encoded(reader.rows(begin, end), end - begin), end - begin, cols, machine_,
                pool_);
      advance(half * (end - begin) / rows, t.copy.name);
    });
    if (!std::isfinite(facts.amax))
      throw Error("tensor " + in_quotes(t.copy.name) +
                  " holds a NaN or an infinity: leave it out with --exclude");

    const RowEncoder encoder(job.encoding, facts, machine_, pool_);
    const ByteCounts counts(job.encoding);
    EncodedRows encoded;
    std::vector<float> y;
    Errors errors;
    int64_t code_at = 0, scale_at = 0, zero = 0, largest = 0;
    for_chunks(job, [&](int64_t begin, int64_t end) {
      const int64_t n = end - begin;
      const Floats x = reader.rows(begin, end);
      encoder.encode(as_encoded(x, n), n, cols, encoded, begin);
      writer_.put(job.codes, code_at, std::as_bytes(std::span(encoded.codes)));
      code_at += int64_t(encoded.codes.size());
      // Scales of a whole tensor are the same in every chunk.
      if (begin == 0 || !whole_tensor(job.encoding)) {
        writer_.put(job.scales, scale_at, std::as_bytes(std::span(encoded.scales)));
        scale_at += int64_t(encoded.scales.size());
      }
      y.resize(size_t(n * cols));
      encoder.decode(encoded, n, cols, y.data());
      add_errors(x, y.data(), n * cols, errors);
      for (uint8_t b : encoded.codes) zero += counts.zero[b], largest += counts.largest[b];
      advance(half * n / rows, t.copy.name);
    });
    put_constants(job, encoder, rows, cols);
    return report(job, errors, zero, largest);
  }

  static bool whole_tensor(const Encoding& e) {
    return e.format == WeightFormat::ternary ||
           (e.format == WeightFormat::fp8 && e.tile == encode_fp8::Tile::tensor);
  }

  void put_constants(const Job& job, const RowEncoder& encoder, int64_t rows, int64_t cols) {
    const float scale[] = {options_.layout == Layout::compressed_tensors ? encoder.divisor()
                                                                         : encoder.multiplier()};
    const int64_t shape[] = {rows, cols, ternaries_in_byte(job.encoding.packing)};
    const int64_t signs[] = {job.encoding.hadamard.value_or(0)};
    if (job.tensor_scale) writer_.put(*job.tensor_scale, 0, std::as_bytes(std::span(scale)));
    if (job.ternary) writer_.put(*job.ternary, 0, std::as_bytes(std::span(shape)));
    if (job.hadamard) writer_.put(*job.hadamard, 0, std::as_bytes(std::span(signs)));
  }

  // Pieces are summed alone and then in order: threads do not change the sum.
  void add_errors(const Floats& x, const float* y, int64_t n, Errors& errors) {
    std::vector<Errors> pieces(size_t((n + kPiece - 1) / kPiece));
    parallel_for(pool_, n, kPiece, [&](int64_t begin, int64_t end) {
      pieces[size_t(begin / kPiece)].add(x, y, begin, end);
    });
    for (const Errors& e : pieces) errors.add(e);
  }

  static QuantiseReport report(const Job& job, const Errors& e, int64_t zero, int64_t largest) {
    const int64_t rows = job.tensor->rows(), cols = job.tensor->cols();
    const double count = double(rows) * double(cols);
    // A row of ternaries ends with zeros that are no weights.
    if (job.encoding.format == WeightFormat::ternary)
      zero -= rows * (ternary_row_bytes(job.encoding.packing, cols) *
                          ternaries_in_byte(job.encoding.packing) -
                      cols);
    const double norms = std::sqrt(e.xx) * std::sqrt(e.yy);
    return {.name = job.tensor->copy.name,
            .mode = std::string(job.encoding.mode),
            .rows = rows,
            .cols = cols,
            .relative_l2 = e.xx > 0 ? std::sqrt(e.dd / e.xx) : 0,
            .max_error = e.most,
            .cosine = norms > 0      ? e.xy / norms
                      : e.xx == e.yy ? 1
                                     : 0,
            .largest = double(largest) / count,
            .zero = double(zero) / count};
  }

  void advance(int64_t bytes, const std::string& name) {
    progress_now_.done += bytes, progress_now_.name = name;
    if (progress_) progress_(progress_now_);
  }

  const QuantiseOptions& options_;
  const Source& source_;
  CheckpointWriter writer_;
  const Machine& machine_;
  Pool* pool_;
  const std::function<void(const QuantiseProgress&)>& progress_;
  QuantiseProgress progress_now_;
  std::vector<Job> jobs_;
  std::vector<std::pair<const SourceTensor*, size_t>> copies_;
};

}  // namespace

bool matches_glob(std::string_view pattern, std::string_view name) {
  size_t p = 0, n = 0, star = std::string_view::npos, from = 0;
  while (n < name.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n]) && pattern[p] != '*') {
      ++p, ++n;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++, from = n;
    } else if (star != std::string_view::npos) {
      p = star + 1, n = ++from;  // the last star takes one more
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::vector<QuantiseReport> quantise(const Source& source, const std::filesystem::path& out,
                                     const QuantiseOptions& options, const Machine& machine,
                                     Pool* pool,
                                     const std::function<void(const QuantiseProgress&)>& progress) {
  if (!supports(options.layout, options.format))
    throw Error("the layout " + std::string(to_string(options.layout)) + " has no " +
                std::string(to_string(options.format)) + ": " +
                std::string(to_string(usual_layout(options.format))) + " has");
  const Encoding e = encoding_of(options.format, options.mode, DType::f32);
  if (options.stochastic_seed && e.format != WeightFormat::nvfp4)
    throw Error(std::string(to_string(e.format)) +
                " is rounded to nearest: --stochastic is for nvfp4");
  if (options.stochastic_seed && !can_round_stochastically(e.recipe))
    throw Error("the mode " + std::string(e.mode) +
                " searches for its codes: --stochastic is for modes that round them");
  if (options.hadamard && e.format == WeightFormat::ternary)
    throw Error("--hadamard makes no ternary weights: they are ternary before, or not at all");
  if (options.hadamard && options.layout != Layout::plain)
    throw Error("--hadamard needs --layout plain: programs that read " +
                std::string(to_string(options.layout)) + " would not undo the transform");
  if (const std::string config = source.config(); !config.empty()) {
    const auto q = read_quantisation_config(config, (source.folder() / "config.json").string());
    if (q.there)
      throw Error(source.path().string() + " is quantised already, by " + in_quotes(q.method) +
                  ": nibble convert changes its layout");
  }
  return Quantiser(source, out, options, machine, pool, progress).run();
}

}  // namespace nibble
