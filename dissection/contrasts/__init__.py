"""How judges differ: differences of effects with paired intervals, strength apart from direction, rounds, and the pairs behind them."""
