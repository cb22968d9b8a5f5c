"""The agents: each proposes policies and learns from their evaluations, see `cimc.rl.evaluation`."""
