// The barrier of a cluster, and clusters that take the work of others.
#pragma once
#include "bind.h"

namespace ptxrun {

void bind_cluster_barrier(Binder& binder, Form& form, Op& op);
void bind_launch_control(Binder& binder, Form& form, Op& op);
// Ends the phase if every live thread has arrived; called when somebody arrived or exited.
void complete_cluster_barrier(Block& block);

}  // namespace ptxrun
