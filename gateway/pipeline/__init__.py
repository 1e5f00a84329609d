"""The story: an event comes in, a site acts and answers, meters speak, money is settled. Ports only."""
