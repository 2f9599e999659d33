// The learner of the product's arithmetic: evolution strategies on int8 activations, without
// back-propagation.
//
// A lane perturbs one matrix and re-runs what follows it from the kept clean activations; what its
// loss differs by from the clean one is its credit. Joint lanes perturb all matrices in one pass
// from the embedding on, and every matrix credits its own noise with the one difference. The sum
// over lanes and tokens of inputs x (credit * noise) estimates the gradient. Credits are
// fixed-point integers and all sums over tokens are integer sums, so an update is the same for any
// number of threads and on any ISA.
#pragma once
#include "nibble/models/efla_lm/forward.h"
#include "nibble/ops/adam_ternary/adam_ternary.h"
#include "nibble/ops/credit_noise/credit_noise.h"
#include "nibble/ops/credit_outer/credit_outer.h"
#include "nibble/ops/logit_credit/logit_credit.h"
#include "nibble/ops/low_rank_noise/low_rank_noise.h"
#include "nibble/ops/noise_bits/noise_bits.h"
#include "nibble/ops/rank1_noise/rank1_noise.h"
#include "nibble/ops/sign_credit/sign_credit.h"
#include "nibble/ops/sign_noise/sign_noise.h"
#include "nibble/train/learner.h"

namespace nibble::train {

using efla_lm::Activations;
using efla_lm::Chunk;
using efla_lm::Forward;
using efla_lm::Inputs;
using efla_lm::Matrix;
using efla_lm::Model;
using efla_lm::Noise;
using efla_lm::Stage;

inline constexpr int kChunkRows = 64;     // tokens of a task: its activations stay in L2
inline constexpr int kPendingRows = 256;  // of a gradient's factors before they are multiplied
inline constexpr int kMaxLanes = 64;      // of one matrix
inline constexpr int kCreditBits = 14;    // a credit of 1 nat is 2^14
inline constexpr int32_t kMaxCredit = (1 << 18) - 1;  // 16 nats; times 64 lanes below 2^24

class ProductLearner final : public Learner {
 public:
  ProductLearner(const Recipe&, int symbols, uint64_t seed, const Machine&, Pool*);

  ~ProductLearner() override;

  StepResult step(std::span<const uint8_t> text, int64_t step, double progress) override;
  double loss(std::span<const uint8_t> text, int window) const override;
  std::vector<LayerHealth> health(std::span<const uint8_t> text) const override;
  std::vector<MatrixHealth> look_at_matrices() override;
  int64_t parameters() const override { return model_.parameters(); }
  std::vector<StateTensor> state() override;
  void restored() override;
  void share(Communicator* ranks) override;
  void gather() override;

  // The two halves of a step. accumulate() adds the estimate of a batch to gradient(), among ranks
  // once only; apply() updates the weights by it and clears it.
  StepResult accumulate(std::span<const uint8_t> text, int64_t step);
  void apply(double progress);
  // Estimate of d(mean loss) / d(matrix) in float, [k][n], from what was accumulated.
  std::vector<float> gradient(size_t matrix) const;
  const Model& model() const { return model_; }

 private:
  struct Trained {                  // what a matrix needs beside its weights
    int lanes = 0, first_lane = 0;  // of all lanes of the learner; joint lanes are all matrices'
    int32_t step = 0;               // sigma in steps of its sums
    float sigma = 0;                // that step as a value
    // Of the weight estimator: what a part of a lane adds to or takes off the shadow.
    float weight_step = 0;
    float lr = 1;
    Buffer<float> shadow, m, v;  // [k][n]
    Buffer<int32_t> grad;        // [threads][k][n]
  };
  struct Worker;
  struct Pending;

  size_t index(const Matrix& m) const { return size_t(&m - model_.matrices.data()); }
  const Trained& trained(const Matrix& m) const { return trained_[index(m)]; }
  struct Source {  // what a matrix reads: int8 rows, `ld` from one to the next
    const int8_t* data;
    int64_t ld;
  };
  void initialise();
  void sample(Worker&, std::span<const uint8_t> text, int64_t step, int chunk) const;
  void noise(Worker&, const Matrix&, int64_t step, int chunk) const;
  // Lanes whose noise is in the matrices [first, last), to shaped differences.
  void run_lanes(Worker&, size_t first, size_t last, int chunk) const;
  void run_lane(Worker&, size_t first, size_t last, int lane) const;
  Noise noise_in(Worker&, const Activations& from, const Matrix&, int lane,
                 const int32_t*& sums) const;
  void differences_of_head(Worker&) const;
  void credit(Worker&, const Matrix&, int lane) const;
  int credit_window(const Matrix&) const;
  int own_columns(const Matrix&) const;
  void estimate(Worker&, int64_t step, int chunk, int worker);
  void collect(Worker&, size_t matrix, int worker);
  void adapt_shift(size_t matrix);
  void collect_delta(Worker&, int64_t step, int chunk);
  int64_t factor_rows(const Matrix&, const Chunk&) const;
  int8_t* next_z(Worker&, size_t matrix) const;
  void append(Worker&, size_t matrix, int64_t rows, int worker);
  void append_clean(Worker&, size_t matrix, int worker);
  void multiply(Worker&, size_t matrix, int worker);
  void multiply_all();
  Source source(const Activations&, const Matrix&) const;
  void shape_differences(std::span<float>) const;  // by the fitness
  static int32_t fixed_point(float credit);

  const uint16_t* inputs(const Worker&, const Matrix&, int lane, int part) const;
  const uint16_t* outputs(const Worker&, const Matrix&, int lane, int part) const;
  Noise perturb(Worker&, const Activations& from, const Matrix&, int lane,
                const int32_t*& sums) const;
  Noise perturb_fully(Worker&, const Activations& from, const Matrix&, int lane,
                      const int32_t*& sums) const;
  // Of the weight estimator's noise: of full rank, or the sum of so many parts of rank 1.
  bool full_rank() const { return recipe_.train.rank == kFullRank; }
  int parts() const { return full_rank() ? 1 : recipe_.train.rank; }
  // Noise is added to a copy of the sums: all of it, or all but its last part.
  bool copies_sums() const { return by_weight() && (full_rank() || parts() > 1); }
  void collect_by_weight(Worker&, size_t matrix, int worker, int chunk);
  void collect_fully(Worker&, size_t matrix, int worker, int chunk);
  int32_t* weight_credits(const Matrix&, int lane, int chunk) const;  // [sequences]
  void update_bias(float rate, float v_scale);
  adam_ternary::Args projection(size_t matrix);  // of its shadow to its weights
  void apply_rule(size_t matrix, float rate);    // product_update.cpp
  void decay(size_t matrix, float rate);

  // product_carry.cpp
  struct Window {
    int64_t run, nth;  // the slot's nth window of its run
  };
  Window window_of(int64_t step, int64_t slot) const;
  bool carries() const { return recipe_.train.carry > 1; }
  int64_t carried_words() const;  // of a slot
  void take_carried(Worker&, int64_t step, int chunk);
  void keep_carried(Worker&, int chunk);

  // product_ranks.cpp
  int chunks() const { return (batch_ + chunk_.sequences - 1) / chunk_.sequences; }
  Chunk shape_of(int chunk) const;
  void sum_over_ranks(std::span<const uint8_t> text, int64_t step);
  void rebuild(std::span<const uint8_t> text, int64_t step);
  void sum_parts(int32_t* parts, int64_t size);
  float unit(size_t matrix) const;  // value of one step of its gradient sums, before the batch mean

  Recipe recipe_;
  int batch_;  // sequences of this update
  uint64_t seed_;
  Pool* pool_;
  Communicator* ranks_ = nullptr;
  Model model_;
  Chunk chunk_;  // of training
  Forward forward_;
  Chosen<noise_bits::Op> noise_bits_;
  Chosen<credit_noise::Op> credit_noise_;
  Chosen<credit_outer::Op> credit_outer_;
  Chosen<logit_credit::Op> logit_credit_;
  Chosen<rank1_noise::Op> rank1_;
  Chosen<low_rank_noise::Op> low_rank_;
  Chosen<sign_noise::Op> sign_noise_;
  Chosen<sign_credit::Op> sign_credit_;
  Chosen<adam_ternary::Op> adam_;

  std::vector<Trained> trained_;
  std::vector<std::unique_ptr<Worker>> workers_;
  int64_t accumulated_ = 0;  // tokens in the gradients
  bool by_weight() const { return recipe_.train.estimator == Estimator::weight; }
  bool joint() const { return recipe_.train.lanes_joint > 0; }
  // Noise of one lane in 16-bit words, and of all lanes of a matrix in whole blocks of 128 bits.
  int64_t lane_noise(const Matrix&, const Chunk&) const;
  int64_t noise_words(const Matrix&, const Chunk&) const;
  const uint16_t* noise_of(const Worker&, const Matrix&, int lane) const;

  std::vector<std::vector<int8_t>> seen_;  // weights when they were last looked at

  // State beside the matrices.
  Buffer<float> bias_m_, bias_v_;
  Buffer<int32_t> bias_grad_;  // [threads][padded_symbols]
  Buffer<int64_t> updates_;    // [1]

  // Of the weight estimator: [chunks][lanes_][sequences of a chunk]. Zero where other ranks write.
  Buffer<int32_t> weight_credits_;
  int lanes_ = 0;                 // of all matrices
  Buffer<int32_t> carried_;       // [batch][carried_words()]: where the slots' contexts end
  Buffer<int32_t> credit_shift_;  // per matrix: a code of z is 2^(shift - kCreditBits) nats
};

}  // namespace nibble::train
