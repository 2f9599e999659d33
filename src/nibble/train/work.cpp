#include "nibble/train/work.h"

namespace nibble::train {
namespace {

using efla_lm::Stage;

int own_lanes_of(const TrainRecipe& t, Stage stage) {
  switch (stage) {
    case Stage::embedding:
      return t.lanes_embedding;
    case Stage::mixer:
      return t.lanes_mixer;
    case Stage::ffn1:
      return t.lanes_ffn1;
    case Stage::ffn2:
      return t.lanes_ffn2;
    case Stage::head:
      break;
  }
  return t.head_rule == HeadRule::delta ? 0 : t.lanes_head;
}

}  // namespace

int lanes_of(const TrainRecipe& t, Stage stage) {
  const int own = own_lanes_of(t, stage);
  return own > 0 && t.lanes_joint > 0 ? t.lanes_joint : own;
}

int64_t integer_ops(const Recipe& recipe, int symbols) {
  const TrainRecipe& t = recipe.train;
  const efla_lm::Model model(recipe.model, symbols);
  const int64_t sequences = t.batch, tokens = sequences * t.seq;
  int64_t products = 0, behind = 0;  // behind: of a token, in the matrices after the current one
  int64_t joint = 0;                 // of a token, in joint lanes: behind the first they perturb
  for (auto m = model.matrices.rbegin(); m != model.matrices.rend(); ++m) {
    // Of the embedding only its lanes count: its products pick a row.
    const int64_t size = m->stage == Stage::embedding ? 0 : int64_t(m->k) * m->outputs;
    const int64_t lanes = lanes_of(t, m->stage);
    products += tokens * size;
    if (t.lanes_joint == 0)
      products += tokens * lanes * behind;
    else if (lanes > 0)
      joint = lanes * behind;
    if (t.estimator == Estimator::weight) {
      products += lanes * sequences * size;                        // signs times credits
      if (t.rank == kFullRank) products += lanes * tokens * size;  // inputs times signs
    } else if (lanes > 0 || (m->stage == Stage::head && t.head_rule == HeadRule::delta)) {
      products += tokens * size;
    }
    behind += size;
  }
  return 2 * (products + tokens * joint);
}

}  // namespace nibble::train
