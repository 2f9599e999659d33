#include <cmath>

#include "nibble/ops/efla/forms.h"
#include "nibble/ops/efla/layout.h"

namespace nibble::efla {
namespace {

int64_t span(const Args& a, const Strides& x, int dim) {
  return (a.sequences - 1) * x.sequence + (a.tokens - 1) * x.token + (a.heads - 1) * x.head + dim;
}

bool increasing(const Args& a, const Strides& x, int dim) {
  return (a.heads == 1 || x.head >= dim) && (a.tokens == 1 || x.token >= dim) &&
         (a.sequences == 1 || x.sequence >= dim);
}

int64_t states(const Args& a) { return a.sequences * a.heads * a.key_dim * int64_t(a.value_dim); }

// Bound on the length of any column of the state: |S_0|^2 + sum_t a_t v_t^2 (with the keys' lengths
// taken into a), the largest over columns.
double state_bound(const Args& a) {
  const auto square = [](double x) { return x * x; };
  double most = 0;
  std::vector<double> columns(a.value_dim);
  for (int64_t s = 0; s < a.sequences; ++s)
    for (int h = 0; h < a.heads; ++h) {
      std::fill(columns.begin(), columns.end(), 0.0);
      const int64_t cells = int64_t(a.key_dim) * a.value_dim, unit = (s * a.heads + h) * cells;
      for (int64_t i = 0; a.carry_in && i < cells; ++i)
        columns[i % a.value_dim] += square(a.state_in[unit + i]);
      for (int t = 0; t < a.tokens; ++t) {
        const Token<double> x = token_of<double>(a, s, t, h);
        for (int j = 0; j < a.value_dim; ++j) columns[j] += x.write * square(x.v[j]);
      }
      most = std::fmax(most, *std::max_element(columns.begin(), columns.end()));
    }
  return std::sqrt(most);
}

}  // namespace

int64_t workspace_floats(const Args& a) {
  return a.form == Form::chunked ? slots_of(a) * slot_floats(a) : 0;
}

Status Op::check(const Args& a) {
  if (a.sequences < 1 || a.tokens < 1 || a.heads < 1)
    return Status::error("efla: sequences, tokens and heads must be positive, got " +
                         std::to_string(a.sequences) + ", " + std::to_string(a.tokens) + " and " +
                         std::to_string(a.heads));
  if (a.key_dim < 1 || a.key_dim > kMaxKeyDim || a.value_dim < 1)
    return Status::error("efla: key_dim must be in 1..1024 and value_dim positive, got " +
                         std::to_string(a.key_dim) + " and " + std::to_string(a.value_dim));
  if (a.chunk < 0 || (a.form == Form::recurrent && a.chunk != 0))
    return Status::error("efla: chunk must not be negative, and 0 in the recurrent form, got " +
                         std::to_string(a.chunk));
  if (a.form == Form::chunked && (a.fp16_state || a.slots < 1))
    return Status::error("efla: the chunked form has no fp16 state and needs slots of at least 1");
  if (!(a.eps > 0) || !std::isfinite(a.eps) || !std::isfinite(a.beta_bias))
    return Status::error("efla: eps must be positive and finite, beta_bias finite");
  if (!increasing(a, a.out_strides, a.value_dim))
    return Status::error("efla: rows of out overlap: its strides must be at least value_dim=" +
                         std::to_string(a.value_dim));
  if (!a.q || !a.k || !a.v || !a.beta || !a.out)
    return Status::error("efla: q, k, v, beta and out must not be null");
  if ((a.state_in != nullptr) != a.carry_in || (a.state_out != nullptr) != a.carry_out)
    return Status::error(
        "efla: state_in is given exactly if carry_in, state_out exactly if carry_out");
  if ((a.workspace != nullptr) != (workspace_floats(a) > 0))
    return Status::error("efla: workspace is given exactly if workspace_floats() is not 0");
  return {};
}

void Op::buffers(Args& a, BufferVisitor& v) {
  v.in("q", a.q, span(a, a.q_strides, a.key_dim));
  v.in("k", a.k, span(a, a.k_strides, a.key_dim));
  v.in("v", a.v, span(a, a.v_strides, a.value_dim));
  v.in("beta", a.beta, span(a, a.beta_strides, 1));
  v.inout("out", a.out, span(a, a.out_strides, a.value_dim));
  v.in("state_in", a.state_in, a.carry_in ? states(a) : 0);
  v.out("state_out", a.state_out, a.carry_out ? states(a) : 0);
  v.workspace("workspace", a.workspace, workspace_floats(a), 64);
}

void Op::reference(const Args& a) {
  const int64_t cells = int64_t(a.key_dim) * a.value_dim;
  std::vector<double> S(cells), out(int64_t(a.tokens) * a.value_dim);
  for (int64_t s = 0; s < a.sequences; ++s)
    for (int h = 0; h < a.heads; ++h) {
      const int64_t unit = (s * a.heads + h) * cells;
      for (int64_t i = 0; i < cells; ++i) S[i] = a.carry_in ? a.state_in[unit + i] : 0;
      recurrent(a, s, h, S.data(), out.data());
      for (int t = 0; t < a.tokens; ++t)
        for (int j = 0; j < a.value_dim; ++j)
          a.out[s * a.out_strides.sequence + t * a.out_strides.token + h * a.out_strides.head + j] =
              float(out[t * a.value_dim + j]);
      for (int64_t i = 0; a.carry_out && i < cells; ++i) a.state_out[unit + i] = float(S[i]);
    }
}

// A token's roundings: about 4 units of 2^-24 of |S| in its scalars, u, S and o, and sums of n
// terms whose partial sums grow to the total, sqrt(n) / 4 with even and odd terms apart. They are
// independent from token to token, and a step never amplifies what it finds: sqrt(tokens) of them.
// With an fp16 state, a cell that lies on a tie may round the other way: one step of 2^-10 |S|.
Tolerance Op::tolerance(const Args& a) {
  const double state = state_bound(a);
  const double terms = a.key_dim + (a.form == Form::chunked ? chunk_of(a) : 0);
  const double unit = a.fp16_state ? 0x1p-10 : 0;
  return {.abs = state * (unit + 0x1p-24 * (4 + std::sqrt(terms) / 4) * std::sqrt(a.tokens))};
}

Work Op::work(const Args& a) {
  const int64_t units = a.sequences * a.heads, T = a.tokens, C = chunk_of(a);
  const int64_t dk = a.key_dim, dv = a.value_dim, scalars = 2 * T * dk;
  int64_t multiply_adds = 3 * T * dk * dv + scalars;
  if (a.form == Form::chunked) {
    multiply_adds = T * C * (dk + dv) + scalars;
    const int64_t reads = a.carry_in ? T : T - C, writes = a.carry_out ? T : (T - 1) / C * C;
    multiply_adds += (2 * reads + writes) * dk * dv;
  }
  const int64_t state = (int64_t(a.carry_in) + a.carry_out) * dk * dv;
  return {.ops = 2 * units * multiply_adds,
          .bytes = 4 * units * (T * (2 * dk + 2 * dv + 1) + state),
          .arithmetic = Arithmetic::fp32};
}

}  // namespace nibble::efla
