#include <algorithm>
#include <cstdio>

#include "nibble/harness/verify.h"
#include "nibble/ops/efla/cases.h"
#include "nibble/ops/efla/forms.h"

using namespace nibble;
using namespace nibble::efla;

namespace {

// In double both forms are the same function: every difference in float is rounding.
bool forms_agree() {
  double worst = 0;
  for (int chunk : {0, 1, 5, 16})
    for (Rule rule : {Rule::raw_key, Rule::unit_key}) {
      Args a =
          one_matrix({.sequences = 1, .tokens = 48, .heads = 2, .key_dim = 12, .value_dim = 9}, 0);
      a.rule = rule, a.chunk = chunk;
      const int ld = int(a.q_strides.token);
      std::vector<float> rows(size_t(a.tokens) * ld);
      Random rng(3);
      fill_f32(rows.data(), int64_t(rows.size()), rng, -2, 2);
      a.q = rows.data(), a.k = a.q + 24, a.v = a.k + 24, a.beta = a.v + 18;
      const size_t cells = 12 * 9, outs = 48 * 9;
      std::vector<double> S(cells), R(cells), x(outs), y(outs);
      for (size_t i = 0; i < cells; ++i) S[i] = R[i] = rng.uniform(-1, 1);
      recurrent(a, 0, 1, S.data(), x.data());
      chunked(a, 0, 1, R.data(), y.data());
      for (size_t i = 0; i < outs; ++i) worst = std::max(worst, std::abs(x[i] - y[i]));
      for (size_t i = 0; i < cells; ++i) worst = std::max(worst, std::abs(S[i] - R[i]));
    }
  printf("forms in double differ by %.2g at most\n", worst);
  return worst < 1e-12;
}

bool contract_is_checked() {
  const float in[64] = {};
  float out[64];
  const Args good = one_matrix({.sequences = 1,
                                .tokens = 2,
                                .heads = 1,
                                .key_dim = 4,
                                .value_dim = 4,
                                .q = in,
                                .k = in,
                                .v = in,
                                .beta = in,
                                .out = out},
                               0);
  Args wide = good, rounded = good, state = good, overlap = good, unworked = good, chunk = good;
  wide.key_dim = kMaxKeyDim + 1;
  rounded.form = Form::chunked, rounded.fp16_state = true;
  state.carry_in = true;
  overlap.out_strides.token = 3;
  unworked.form = Form::chunked;
  chunk.chunk = 8;
  const Args bad[] = {wide, rounded, state, overlap, unworked, chunk};
  return Op::check(good).ok() && std::none_of(std::begin(bad), std::end(bad),
                                              [](const Args& a) { return Op::check(a).ok(); });
}

}  // namespace

int main() {
  const bool agree = forms_agree(), checked = contract_is_checked();
  return harness::verify_main("efla", agree && checked);
}
