"""The citizen's side of a case over REST."""



