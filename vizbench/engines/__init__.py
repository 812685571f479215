"""Run independent work: in processes of this machine, on a Ray cluster, or shared out by any scheduler."""
